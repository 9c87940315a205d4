import otherNames from '../../../schema/profiles/other-syscalls.json' with { type: 'json' };
import { CAPABILITIES } from '../../model/capabilities.ts';
import { syscallTable } from '../launcher/syscalls.ts';

/** SECCOMP_RET_* of linux/seccomp.h. */
export const RET_ALLOW = 0x7fff0000;
export const RET_ERRNO = 0x00050000;
export const RET_TRACE = 0x7ff00000;
export const RET_LOG = 0x7ffc0000;

/** What the kernel is told, without its data. */
export const ACTIONS: ReadonlyMap<string, number> = new Map([
  ['SCMP_ACT_ALLOW', RET_ALLOW],
  ['SCMP_ACT_ERRNO', RET_ERRNO],
  ['SCMP_ACT_KILL', 0],
  ['SCMP_ACT_KILL_THREAD', 0],
  ['SCMP_ACT_KILL_PROCESS', 0x80000000],
  ['SCMP_ACT_TRAP', 0x00030000],
  ['SCMP_ACT_TRACE', RET_TRACE],
  ['SCMP_ACT_LOG', RET_LOG],
]);

/** How an argument is compared; all 64 bits, without a sign. */
export type Comparison = (typeof COMPARISONS)[number];

export const COMPARISONS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

/** SECCOMP_FILTER_FLAG_* that a filter can be installed with, and their bits. */
export const FLAGS: ReadonlyMap<string, number> = new Map([
  ['SECCOMP_FILTER_FLAG_TSYNC', 1],
  ['SECCOMP_FILTER_FLAG_LOG', 2],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 4],
]);

/** libseccomp's names of architectures, as `includes.arches` has them (libseccomp-golang, ScmpArch.String()). */
export const ARCHITECTURE_NAMES: ReadonlySet<string> = new Set(
  `x86 amd64 x32 arm arm64 mips mips64 mips64n32 mipsel mipsel64 mipsel64n32 ppc ppc64 ppc64le s390 s390x parisc parisc64
  riscv64 loong64 loongarch64 m68k sh sheb`.split(/\s+/),
);

/** OCI runtime-spec config-linux.md, "seccomp", architectures. */
export const ARCHITECTURES: ReadonlySet<string> = new Set(
  `X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390
  S390X SH SHEB PARISC PARISC64 RISCV64`
    .split(/\s+/)
    .map((name) => `SCMP_ARCH_${name}`),
);

export const CAPABILITY_NAMES: ReadonlySet<string> = new Set(CAPABILITIES.map((name) => `CAP_${name}`));

/** A system call of any architecture (libseccomp's tables), not only of those that containers run on. */
export function isSystemCall(name: string): boolean {
  return (
    [syscallTable('x86_64'), syscallTable('aarch64')].some((table) => Object.hasOwn(table, name)) || OTHER.has(name)
  );
}

const OTHER: ReadonlySet<string> = new Set(otherNames);
