import { testNeighbours } from './parents.ts';

testNeighbours('macvlan', 'bridge');
testNeighbours('macvlan', 'private');
