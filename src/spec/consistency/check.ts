import type { Context } from '../canonical/context.ts';
import { checkClashes } from './clashes.ts';
import { checkCycles } from './cycles.ts';
import { checkExclusive } from './exclusive.ts';
import { checkFiles } from './files.ts';
import { checkHostPorts } from './host-ports.ts';
import { type CheckInput, type CheckRequest, servicesOf } from './input.ts';
import { checkLinkShapes } from './link-shape.ts';
import { checkMounts } from './mounts.ts';
import { checkNamespaces } from './namespaces.ts';
import { checkNetworks } from './networks.ts';
import { checkPinned } from './pinned.ts';
import { checkPrivileges } from './privileges.ts';
import { checkReady } from './ready.ts';
import { checkReferences } from './references.ts';
import { checkResources } from './resources.ts';
import { checkRunnable } from './runnable.ts';
import { checkRuntimes } from './runtimes.ts';
import { checkSecurity } from './security.ts';
import { checkSexagesimals } from './sexagesimal.ts';
import { checkShells } from './shell.ts';
import { checkUnused } from './unused.ts';
import { checkValues } from './values.ts';
import { checkServiceWords } from './words.ts';

/**
 * Everything that a schema cannot see: names that must exist, cycles, clashes, values without a meaning; and, as
 * warnings, what is legal and surely unmeant.
 */
export function checkConsistency(request: CheckRequest, context: Context): void {
  const input: CheckInput = { ...request, services: servicesOf(request.enabled, context) };
  // First: it holds back where something else of the service is wrong.
  checkRunnable(input, context);
  checkReferences(input, context);
  checkExclusive(input);
  checkCycles(input);
  checkValues(input);
  checkSecurity(input);
  checkServiceWords(input);
  checkMounts(input);
  checkRuntimes(input);
  checkClashes(input);
  checkHostPorts(input);
  checkNamespaces(input);
  checkPrivileges(input);
  checkNetworks(input, context);
  checkResources(input, context);
  checkFiles(input, context);
  checkUnused(context);
  checkSexagesimals(input, context);
  checkShells(input, context);
  checkReady(input, context);
  checkLinkShapes(input, context);
  checkPinned(input, context);
}
