import assert from 'node:assert/strict';
import { e2e } from '../../helpers/e2e.ts';

const refusing = (name: string, action: string) =>
  JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [name], action }] });

e2e(
  'a seccomp profile that ends or skips a later step of the start is an error that names step and profile, and nothing is started',
  async (project) => {
    project.write(`services:
  web:
    command: [sleep, infinity]
    stop_grace_period: 0s
    network_mode: none
    security_opt: ['seccomp=./profile.json']
`);
    for (const [name, action, step] of [
      ['execve', 'SCMP_ACT_KILL_PROCESS', /run "sleep"|run "\/"/],
      ['setresuid', 'SCMP_ACT_KILL', /become user 0/],
      ['capset', 'SCMP_ACT_TRAP', /set capabilities to /],
    ] as const) {
      project.write(refusing(name, action), 'profile.json');
      const { status, stderr } = await project.tsstack(['up', '-d']);
      assert.notEqual(status, 0, stderr);
      assert.match(stderr, new RegExp(`service\\.web\\[1\\].*profile\\.json refuses ${name}\\(2\\)`));
      assert.match(stderr, step);
    }
    assert.deepEqual(await project.ps(), []);

    // What is there already is asked again: the file may be another one now.
    project.write(refusing('swapoff', 'SCMP_ACT_ERRNO'), 'profile.json');
    await project.expect(0, 'create');
    project.write(refusing('capset', 'SCMP_ACT_KILL_PROCESS'), 'profile.json');
    const { status, stderr } = await project.tsstack(['start']);
    assert.notEqual(status, 0, stderr);
    assert.match(stderr, /web.*profile\.json refuses capset\(2\)/s);
    assert.notEqual((await project.container('web')).status, 'running');

    project.write(refusing('swapoff', 'SCMP_ACT_KILL_PROCESS'), 'profile.json');
    await project.expect(0, 'start');
    await project.expect(0, 'exec', 'web', 'true');
  },
);
