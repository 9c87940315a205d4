/** Ids of a container's user namespace. */
const ID_COUNT = 0x10000;

/** An id as a side sees it whose user 0 is the host's `idBase`; one that it does not know stays the host's. */
export function idInside(id: number, idBase: number): number {
  return id >= idBase && id < idBase + ID_COUNT ? id - idBase : id;
}
