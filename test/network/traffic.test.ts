import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraffic } from '../../src/network/traffic.ts';

const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     999      10    0    0    0     0          0         0      999      10    0    0    0     0       0          0
  eth0:    1500      10    0    0    0     0          0         0      700       8    0    0    0     0       0          0
  eth1:5      1    0    0    0     0          0         0      6       1    0    0    0     0       0          0
`;

test('readTraffic() adds up what all interfaces but the loopback received and sent', () => {
  const host = { readText: (path: string) => (path === '/proc/7/net/dev' ? DEV : undefined) };
  assert.deepEqual(readTraffic(host, 7), { rxBytes: 1505, txBytes: 706 });
  assert.equal(readTraffic(host, 8), undefined);
});
