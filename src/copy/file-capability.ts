import { idInside } from './ids.ts';

/** `struct vfs_cap_data` and `vfs_ns_cap_data` of linux/capability.h: the revision is the highest byte of the first word. */
const REVISION = 3;
const V2 = { revision: 2, bytes: 20 };
const V3 = { revision: 3, bytes: 24 };

/**
 * Values of `security.capability`. Version 2 is good for user 0 of the namespace of who looks; version 3 names a user,
 * who is user 0 of the namespace in which the file has the capabilities.
 */
export const fileCapability = {
  /** What a container has, from what the host sees in it: its user 0 is the host's `idBase`. */
  inside(value: Buffer, idBase: number): Buffer {
    if (!has(value, V3)) return value;
    const user = idInside(value.readUInt32LE(V2.bytes), idBase);
    return user === 0 ? version2(value) : version3(value, user);
  },

  /** What the host has to set, so that a container has `value`. */
  outside(value: Buffer, idBase: number): Buffer {
    if (idBase === 0) return value;
    if (has(value, V2)) return version3(value, idBase);
    return has(value, V3) ? version3(value, idBase + value.readUInt32LE(V2.bytes)) : value;
  },
};

function has(value: Buffer, { revision, bytes }: typeof V2): boolean {
  return value.length === bytes && value[REVISION] === revision;
}

function version2(value: Buffer): Buffer {
  const made = Buffer.from(value.subarray(0, V2.bytes));
  made[REVISION] = V2.revision;
  return made;
}

function version3(value: Buffer, user: number): Buffer {
  const made = Buffer.alloc(V3.bytes);
  value.copy(made, 0, 0, V2.bytes);
  made[REVISION] = V3.revision;
  // An id that there is not, made by an archive, is for the kernel to refuse.
  made.writeUInt32LE(user >>> 0, V2.bytes);
  return made;
}
