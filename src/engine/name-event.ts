import { imageName } from '../image/image.ts';
import { containerAddress } from '../model/address.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { Records } from '../store/records.ts';

type Happened = Omit<ContainerEvent, 'timeMs'>;

/** Says of what happened to a container what the container is called, and its image: later nobody may know. */
export function nameEvent(records: Records, happened: Happened): Happened {
  const record = records
    .containersOf(happened.stack)
    .find(({ key, role }) => role === undefined && containerAddress(key.service, key.index) === happened.address);
  if (record === undefined) return happened;
  const { name, image } = record.spec;
  return { ...happened, name, image: imageName(image.source) };
}
