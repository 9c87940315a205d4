import syscalls from '../../../schema/profiles/syscalls.json' with { type: 'json' };

export type Architecture = 'x86_64' | 'aarch64';

/** Calls that exist on both architectures: what the launcher may use. */
export type SyscallName = keyof typeof syscalls.x86_64 & keyof typeof syscalls.aarch64;

export function syscallNumber(arch: Architecture, name: SyscallName): number {
  return syscalls[arch][name];
}

/** Every system call of an architecture by name (libseccomp's syscalls.csv, Linux 7.1). */
export function syscallTable(arch: Architecture): Readonly<Record<string, number>> {
  return syscalls[arch];
}
