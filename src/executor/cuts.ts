import type { Host } from '../host/host.ts';
import { type ContainerKey, machineName } from '../model/address.ts';
import type { Cut, LiveNetwork } from '../model/live.ts';
import { cutOperations } from '../network/cut.ts';
import type { ContainerRecord, Records } from '../store/records.ts';

/** Records what was changed by hand, or that nothing is any more. */
export function changeLive(records: Records, key: ContainerKey, { shapes = {}, cuts = [] }: LiveNetwork): void {
  const live = {
    ...(Object.keys(shapes).length > 0 && { shapes }),
    ...(cuts.length > 0 && { cuts }),
  };
  records.updateContainer(key, { live: Object.keys(live).length === 0 ? undefined : live });
}

/** Records other cuts. An empty list says that the kernel may have some still: until `performCuts()` has been there. */
export function recordCuts(records: Records, key: ContainerKey, cuts: readonly Cut[]): void {
  records.updateContainer(key, { live: { ...records.container(key)?.live, cuts } });
}

/** Brings the kernel to what the records say of cuts, of the whole machine. */
export async function performCuts(host: Pick<Host, 'perform'>, records: Records): Promise<void> {
  const emptied = records.containers.all().filter(({ live }) => live?.cuts?.length === 0);
  await host.perform(cutOperations(records.containers.all()));
  for (const { key } of emptied) {
    const live = records.container(key)?.live;
    // Others may have been recorded meanwhile.
    if (live?.cuts?.length === 0) changeLive(records, key, live);
  }
}

/** Undoes the cuts of a container that is being removed, and takes it out of those of others. */
export async function forgetCuts(host: Pick<Host, 'perform'>, records: Records, key: ContainerKey): Promise<void> {
  if (records.container(key)?.live?.cuts === undefined) return;
  const name = machineName(key);
  for (const peer of records.containersOf(key.stack)) {
    const cuts = remaining(peer, name);
    if (cuts !== undefined) recordCuts(records, peer.key, cuts);
  }
  recordCuts(records, key, []);
  await performCuts(host, records);
}

function remaining({ live }: ContainerRecord, name: string): readonly Cut[] | undefined {
  const cuts = live?.cuts?.filter(({ from }) => from !== name);
  return cuts?.length === live?.cuts?.length ? undefined : cuts;
}
