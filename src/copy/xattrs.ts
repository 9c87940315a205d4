import { fileCapability } from './file-capability.ts';

/** Extended attributes by name, a byte string. */
export type Xattrs = ReadonlyMap<string, Buffer>;

export const NO_XATTRS: Xattrs = new Map();

/** Programs with rights of their own, as set-id bits give them (capabilities(7), "File capabilities"). */
export const CAPABILITY = 'security.capability';

/**
 * What is copied: `user.*`, and file capabilities where owners are. The rest belongs to a machine or a mount and not to
 * a file: labels and signatures (`security.selinux`, `.ima`, `.evm`), `trusted.*`, what steers overlayfs, and access
 * lists, which name users of one side only.
 */
export function keptXattrs(xattrs: Xattrs, withCapability: boolean): Xattrs {
  const kept = [...xattrs].filter(([name]) => (name === CAPABILITY ? withCapability : isOfUser(name)));
  return kept.length === 0 ? NO_XATTRS : new Map(kept);
}

function isOfUser(name: string): boolean {
  return /^user\../s.test(name) && !name.startsWith('user.overlay.') && !name.includes('\0');
}

/** As the side itself sees them, whose user 0 is the host's `idBase`. */
export function xattrsInside(xattrs: Xattrs, idBase: number): Xattrs {
  return withCapability(xattrs, (value) => fileCapability.inside(value, idBase));
}

/** As this machine has to set them on the side whose user 0 is the host's `idBase`. */
export function xattrsOutside(xattrs: Xattrs, idBase: number): Xattrs {
  return withCapability(xattrs, (value) => fileCapability.outside(value, idBase));
}

function withCapability(xattrs: Xattrs, change: (value: Buffer) => Buffer): Xattrs {
  const value = xattrs.get(CAPABILITY);
  return value === undefined ? xattrs : new Map([...xattrs, [CAPABILITY, change(value)]]);
}
