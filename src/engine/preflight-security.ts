import { seccompProfile } from '../executor/seccomp-profile.ts';
import type { Host } from '../host/host.ts';
import { containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { Conflict } from '../model/plan.ts';
import type { Service, Stack } from '../model/stack.ts';
import type { KernelFacts } from '../runtime/kernel-facts.ts';
import { containerLabels, missingProfile } from '../runtime/labels.ts';
import { checkLastSteps } from '../runtime/last-steps.ts';
import { lowered } from '../runtime/rlimit.ts';

interface Machine {
  readonly host: Host;
  readonly kernel: KernelFacts;
}

/** What of the privileges, limits and labels that services ask for this machine cannot give, before anything is done. */
export function preflightSecurity(
  { host, kernel }: Machine,
  { services }: Stack,
): { readonly conflicts: readonly Conflict[]; readonly warnings: readonly string[] } {
  const started = Object.values(services).filter(({ replicas }) => replicas > 0);
  // Most services ask for the same, and a filter takes long to make.
  const known = new Map<string, readonly Problem[]>();
  return {
    conflicts: started.flatMap((service) => {
      const { name, security, ulimits, init, runtime } = service;
      const wanted = JSON.stringify({ security, ulimits, init, runtime });
      const problems = known.get(wanted) ?? problemsOf(service, { host, kernel });
      known.set(wanted, problems);
      return problems.map((problem) => ({ address: containerAddress(name, 1), ...problem }));
    }),
    warnings: started.flatMap(({ name, ulimits }) =>
      lowered(ulimits, kernel).map((warning) => `service.${name}: ${warning}`),
    ),
  };
}

type Problem = Omit<Conflict, 'address'>;

/** All that labels and filters depend on. */
type Wanted = Pick<Service, 'security' | 'ulimits' | 'init' | 'runtime'>;

function problemsOf(wanted: Wanted, { host, kernel }: Machine): readonly Problem[] {
  return [
    () => containerLabels(wanted, kernel),
    () => checkProfile(host, wanted),
    () => checkFilter(host, kernel, wanted),
  ].flatMap(problemOf);
}

function checkProfile(host: Host, { security }: Wanted): void {
  const missing = missingProfile(host, security.appArmor);
  if (missing === undefined) return;
  throw new TsstackError('not-found', `AppArmor has no profile "${missing}"`, {
    hint: 'Load it: apparmor_parser -r FILE',
  });
}

function checkFilter(host: Host, kernel: KernelFacts, wanted: Wanted): void {
  checkLastSteps(wanted, kernel, seccompProfile(host, wanted.security));
}

function problemOf(check: () => unknown): readonly Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    const { message, hint } = error;
    return [{ message, ...(hint !== undefined && { hint }) }];
  }
}
