import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listeningOn } from '../../src/network/listening.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12
   2: 0100007F:1F91 0100007F:1538 01 00000000:00000000 00:00000000 00000000     0        0 13
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A
`;

test('who listens on a port, and where; a connection does not listen', () => {
  assert.deepEqual(listeningOn(5432, TCP), [{ family: 4, address: Uint8Array.of(127, 0, 0, 1) }]);
  assert.deepEqual(listeningOn(8080, TCP), [{ family: 4, address: Uint8Array.of(0, 0, 0, 0) }]);
  assert.deepEqual(listeningOn(8081, TCP), []);
  assert.deepEqual(listeningOn(80, undefined), []);
  assert.deepEqual(listeningOn(80, TCP6), [
    { family: 6, address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
  ]);
});
