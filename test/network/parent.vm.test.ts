import { testNeighbours, testParent } from './parents.ts';

testNeighbours('ipvlan', 'l2');
testNeighbours('ipvlan', 'l3');
testParent('vlan', { driver: 'macvlan', device: 'lan0.7', mode: 'bridge', vlan: { of: 'lan0', id: 7 } });
testParent('dummy', { driver: 'macvlan', device: 'ts-alone-x', mode: 'bridge', dummy: true });
