import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveNetwork } from '../../src/model/live.ts';
import { type Cuttable, cutMemberNames, cutOperations } from '../../src/network/cut.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

const front = networkOf('front', '10.71.1.0/24');
const back = networkOf('back', '10.71.2.0/24');

function container(service: string, last: number, live?: LiveNetwork): Cuttable {
  const key = keyOf(service);
  const endpoints = [
    endpointOf(key, front, `10.71.1.${last}/24`),
    endpointOf(key, back, `10.71.2.${last}/24`, { ipv6: `fd00::${last}/64` }),
  ];
  return { key, endpoints, ...(live !== undefined && { live }) };
}

const link = (each: Cuttable, at: number) => each.endpoints[at]?.hostInterface ?? '';

test('two containers are cut by their links on common networks, and by all their addresses', () => {
  const web = container('web', 2, { cuts: [{ from: 'demo.db.1' }] });
  const db = container('db', 3, { cuts: [{ from: 'demo.web.1' }] });
  assert.deepEqual(cutMemberNames([web, db], web.key), [
    `pairs ${link(web, 0)} . ${link(db, 0)}`,
    'pairs4 10.71.1.2 . 10.71.1.3',
    'pairs4 10.71.1.2 . 10.71.2.3',
    'pairs4 10.71.2.2 . 10.71.1.3',
    `pairs ${link(web, 1)} . ${link(db, 1)}`,
    'pairs4 10.71.2.2 . 10.71.2.3',
    'pairs6 fd00::2 . fd00::3',
  ]);
  const [op] = cutOperations([web, db, container('other', 4)]);
  assert.ok(op?.op === 'nft');
  assert.match(op.script, /^add table bridge tsstack_cut\ndelete table bridge tsstack_cut\n/);
  assert.match(op.script, new RegExp(`pairs \\{ "${link(db, 0)}" \\. "${link(web, 0)}" \\}`));
  assert.doesNotMatch(op.script, /10\.71\.1\.4/);
});

test('a cut of one network is of that one', () => {
  const web = container('web', 2, { cuts: [{ from: 'demo.db.1', network: 'back' }] });
  const db = container('db', 3, { cuts: [{ from: 'demo.web.1', network: 'back' }] });
  assert.deepEqual(cutMemberNames([web, db], db.key), [
    `pairs ${link(db, 1)} . ${link(web, 1)}`,
    'pairs4 10.71.2.3 . 10.71.2.2',
    'pairs6 fd00::3 . fd00::2',
  ]);
});

test('a container that was replaced since is cut off from nobody', () => {
  const web = container('web', 2, { cuts: [{ from: 'demo.db.1' }] });
  assert.deepEqual(cutMemberNames([web, container('db', 3)], web.key), []);
  assert.deepEqual(cutMemberNames([web], web.key), []);
});

test('one that is cut off from everything is so by all its links, or those of one network', () => {
  const web = container('web', 2, { cuts: [{}] });
  assert.deepEqual(cutMemberNames([web], web.key), [`alone ${link(web, 0)}`, `alone ${link(web, 1)}`]);
  const half = container('web', 2, { cuts: [{ network: 'front' }] });
  assert.deepEqual(cutMemberNames([half], half.key), [`alone ${link(half, 0)}`]);
});

test('where nothing is cut no table is left', () => {
  const tables = ['bridge tsstack_cut', 'inet tsstack_cut'];
  const script = tables.map((table) => `add table ${table}\ndelete table ${table}\n`).join('');
  assert.deepEqual(cutOperations([container('web', 2)]), [{ op: 'nft', script }]);
});
