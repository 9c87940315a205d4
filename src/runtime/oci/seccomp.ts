import { applies, splitRule } from '../seccomp/compile.ts';
import { containerProfile, type FilterConfig, filterTarget } from '../seccomp/filter.ts';
import type { Condition } from '../seccomp/profile.ts';
import { FLAGS, ACTIONS as NUMBERS } from '../seccomp/words.ts';
import type { OciSeccomp, OciSyscalls } from './config.ts';

const ARCHITECTURES = { x86_64: 'SCMP_ARCH_X86_64', aarch64: 'SCMP_ARCH_AARCH64' } as const;

/** What the kernel is told, without its data, in the specification's words; of two for the same the older, which all know. */
const ACTIONS: ReadonlyMap<number, string> = new Map([...NUMBERS].toReversed().map(([name, number]) => [number, name]));

/**
 * The container's profile as config.json has it: the rules that apply to its capabilities, architecture and kernel, as
 * the specification knows no conditions. undefined: no filter. Throws `launch-failed` for a profile that cannot be used.
 */
export function ociSeccomp(config: FilterConfig): OciSeccomp | undefined {
  const profile = containerProfile(config);
  if (profile === undefined) return undefined;
  const target = filterTarget(config);
  const { action, errnoRet } = verdict(profile.defaultAction);
  const flags = [...FLAGS].filter(([, bit]) => (profile.flags & bit) !== 0).map(([name]) => name);
  return {
    defaultAction: action,
    ...(errnoRet !== undefined && { defaultErrnoRet: errnoRet }),
    architectures: [ARCHITECTURES[config.kernel.arch]],
    ...(flags.length > 0 && { flags }),
    syscalls: profile.rules
      // libseccomp refuses one that says the same as the default.
      .filter((rule) => rule.names.length > 0 && rule.action !== profile.defaultAction && applies(rule, target))
      .flatMap(splitRule)
      .map(
        (rule): OciSyscalls => ({
          names: rule.names,
          ...verdict(rule.action),
          ...(rule.args.length > 0 && { args: rule.args.map(argument) }),
        }),
      ),
  };
}

function verdict(code: number): { readonly action: string; readonly errnoRet?: number } {
  const action = ACTIONS.get((code & 0xffff0000) >>> 0) ?? 'SCMP_ACT_KILL_PROCESS';
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? { action, errnoRet: code & 0xffff } : { action };
}

function argument({ index, value, valueTwo, op }: Condition): NonNullable<OciSyscalls['args']>[number] {
  return { index, value, ...(op === 'SCMP_CMP_MASKED_EQ' && { valueTwo }), op };
}
