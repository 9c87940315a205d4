import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';
import { measure, stackOf } from '../helpers/measure.ts';
import type { Pinged } from '../helpers/shaped-pair.ts';

e2e('a delay and a loss are in what arrives, from the file and by hand', async (project) => {
  project.write(stackOf('x-shape: { delay: 60ms, inbound: { loss: 30% } }'));
  await project.expect(0, 'up', '-d');
  const found = await measure<Pinged>(project, 'ping', '200', '3', '1500');
  assert.ok(found.leastMs >= 119 && found.answered > 110 && found.answered < 170, JSON.stringify(found));
  await project.expect(0, 'net', 'shape', 'web', '--delay', '150ms', '--outbound');
  const later = await measure<Pinged>(project, 'ping', '60', '3', '1500');
  assert.ok(later.leastMs >= 209, JSON.stringify(later));
  await project.expect(0, 'plan', '--check');
});
