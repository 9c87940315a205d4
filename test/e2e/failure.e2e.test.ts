import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { e2e } from '../helpers/e2e.ts';
import { residue, takeSnapshot } from '../helpers/residue.ts';

e2e('a port that is taken is reported with its holder before anything is done', async (project) => {
  const holder = createServer().listen(0, '0.0.0.0');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  project.write(`services:\n  web:\n    command: [sleep, infinity]\n    ports: ['${port}:80']\n`);
  try {
    const before = await takeSnapshot();
    const up = await project.tsstack(['up', '-d']);
    assert.equal(up.status, 1);
    assert.match(up.stderr, new RegExp(`${port}`));
    assert.match(up.stderr, new RegExp(`\\b${process.pid}\\b`), 'names the process that holds it');
    const kinds = residue(before, await takeSnapshot()).filter((line) => /^(netns|link|cgroup|mount) /.test(line));
    assert.deepEqual(kinds, []);
  } finally {
    holder.close();
  }
});

e2e('every mistake of a stack file is shown with its place, and nothing is done', async (project) => {
  project.write(`services:
  web:
    comand: [sleep, infinity]
    ports: ['80:70000']
    depends_on: [nobody]
`);
  for (const command of [['config'], ['plan'], ['up', '-d']]) {
    const finished = await project.tsstack(command);
    assert.equal(finished.status, 2, finished.stderr);
    assert.match(finished.stderr, /stack\.yaml:3:5/);
    assert.match(finished.stderr, /did you mean "?command/);
    assert.match(finished.stderr, /stack\.yaml:4:/);
    assert.match(finished.stderr, /stack\.yaml:5:/);
    assert.match(finished.stderr, /\^/);
  }
  project.write('services:\n  web:\n    command: [true]\n');
  assert.deepEqual(await project.ps(), []);
});

e2e('a step that fails undoes what this up did and keeps what was there before', async (project) => {
  const old = 'services:\n  old:\n    command: [sleep, infinity]\n';
  project.write(old);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('old');

  project.write(`${old}  fresh:
    command: [sleep, infinity]
    networks: [other]
  broken:
    command: [/no/such/program]
    networks: [other]
    depends_on: [fresh]
networks:
  other:
`);
  const before = await takeSnapshot();
  const up = await project.tsstack(['up', '-d']);
  assert.equal(up.status, 1);
  assert.match(up.stderr, /broken/);
  assert.match(up.stderr, /\/no\/such\/program/);
  assert.equal((await project.container('old')).pid, pid, 'what ran before runs on');
  assert.deepEqual(
    (await project.ps()).map((each) => each.service),
    ['old'],
  );
  const left = residue(before, await takeSnapshot()).filter((line) => /^(netns|link|cgroup|mount) /.test(line));
  assert.deepEqual(left, []);
});

e2e('usage errors end with 2 and say what there is', async (project) => {
  const wrong = await project.tsstack(['upp']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /Did you mean "up"/);
  assert.equal((await project.tsstack(['up', '--no-such-flag'])).status, 2);
  assert.match(await project.expect(0, '--help'), /plan/);
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  assert.equal((await project.tsstack(['exec', 'nobody', 'true'])).status, 1);
});
