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

/** What of the privileges, limits and labels that services ask for this machine cannot give, before anything is done. */
export function preflightSecurity(
  { host, kernel }: { readonly host: Host; readonly kernel: KernelFacts },
  { services }: Stack,
): { readonly conflicts: readonly Conflict[]; readonly warnings: readonly string[] } {
  const started = Object.values(services).filter(({ replicas }) => replicas > 0);
  return {
    conflicts: started.flatMap((service) =>
      [
        () => containerLabels(service, kernel),
        () => checkProfile(host, service),
        () => checkFilter(host, kernel, service),
      ].flatMap((check) => conflictOf(check, containerAddress(service.name, 1))),
    ),
    warnings: started.flatMap(({ name, ulimits }) =>
      lowered(ulimits, kernel).map((warning) => `service.${name}: ${warning}`),
    ),
  };
}

function checkProfile(host: Host, { security }: Service): void {
  const missing = missingProfile(host, security.appArmor);
  if (missing === undefined) return;
  throw new TsstackError('not-found', `AppArmor has no profile "${missing}"`, {
    hint: 'Load it: apparmor_parser -r FILE',
  });
}

function checkFilter(host: Host, kernel: KernelFacts, service: Service): void {
  checkLastSteps(service, kernel, seccompProfile(host, service.security));
}

function conflictOf(check: () => unknown, address: Conflict['address']): readonly Conflict[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    const { message, hint } = error;
    return [{ address, message, ...(hint !== undefined && { hint }) }];
  }
}
