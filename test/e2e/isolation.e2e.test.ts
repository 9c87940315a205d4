import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';
import { PROBE, probeLines } from '../helpers/probe.ts';
import { output } from '../helpers/run.ts';

e2e(
  'a service with default settings passes every core check of the isolation probe',
  async (project) => {
    const lines = await probeLines(project);
    const score = /^SCORE core (\d+)\/(\d+)/m.exec(lines.join('\n'));
    assert.ok(score, lines.join('\n'));
    assert.deepEqual(
      lines.filter((line) => line.startsWith('FAIL core.')),
      [],
    );
    assert.equal(score[1], score[2]);
  },
  { needs: [PROBE] },
);

e2e("a service without an image sees the host's programs and none of its data", async (project) => {
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  const listed = await project.expect(
    0,
    'exec',
    'web',
    'sh',
    '-c',
    'ls -A /root /home /srv /mnt /boot /var/lib /run; :',
  );
  assert.doesNotMatch(listed, /dpkg|tsstack|\.ssh|netns/);
  assert.notEqual((await project.tsstack(['exec', 'web', 'cat', '/etc/shadow'])).status, 0);
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo x > /usr/bin/tsstack-e2e-probe');
  assert.equal((await output('sh', '-c', 'ls /usr/bin/tsstack-e2e-probe 2>/dev/null || echo none')).trim(), 'none');
});
