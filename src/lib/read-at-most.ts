import { readSync } from 'node:fs';

/** What a descriptor gives up to its end, or up to `most` bytes. */
export function readAtMost(fd: number, most: number): Buffer {
  const buffer = Buffer.allocUnsafe(most);
  let length = 0;
  while (length < most) {
    const count = readSync(fd, buffer, length, most - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
