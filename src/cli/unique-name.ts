/** A word that no other process of this machine makes, nor this one again. `node:crypto` would cost 6 ms to load. */
export function uniqueName(): string {
  return `${process.pid}-${process.hrtime.bigint().toString(36)}`;
}
