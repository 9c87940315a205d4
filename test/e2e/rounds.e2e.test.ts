import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';
import { residue, takeSnapshot } from '../helpers/residue.ts';

/** ROUNDS=1000 for the patient. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 40);

// What is left by one round in a hundred is found by many rounds only; what every round leaves, by the second.
e2e(
  'any number of rounds of up and down leave no link, rule, route, address or lease',
  async (project) => {
    project.write(`
services:
  web: { command: sleep 1000, stop_grace_period: 0s, ports: ["15380:80", "15381:81/udp"], networks: [front, back] }
  db: { command: sleep 1000, stop_grace_period: 0s, scale: 2, networks: [back] }
networks:
  front: { enable_ipv6: true, ipam: { config: [{ subnet: 10.236.1.0/28 }] } }
  back: { internal: true, ipam: { config: [{ subnet: 10.236.2.0/29 }] } }
`);
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'down');
    const before = await takeSnapshot();
    for (let round = 0; round < ROUNDS; round += 1) {
      await project.expect(0, 'up', '-d');
      if (round % 10 === 0) {
        const plan = await project.expect(0, 'plan');
        assert.match(plan, /Nothing to do/);
        const { networks } = await project.container('db');
        assert.match(
          networks[0]?.ipv4 ?? '',
          /^10\.236\.2\.[234]\b/,
          'a lease that is not given back uses up the pool',
        );
      }
      await project.expect(0, 'down', '--timeout', '0');
    }
    const left = residue(before, await takeSnapshot()).filter((line) =>
      /^(netns|link|address|route|nft|mount) /.test(line),
    );
    assert.deepEqual(left, []);
    assert.doesNotMatch(readFileSync('/proc/net/dev', 'utf8'), /^ *ts-/m);
  },
  { timeoutMs: 3_600_000 },
);
