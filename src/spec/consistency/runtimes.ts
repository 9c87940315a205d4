import { programPaths } from '../../lib/program-paths.ts';
import { complain, nameOf } from '../canonical/context.ts';
import { ociRuntime } from '../normalize/process.ts';
import { quoted } from '../printable.ts';
import { pathKind } from '../read.ts';
import { type CheckInput, checkServices, partPlace, type ServiceAt } from './input.ts';

/** Packages of Debian. */
const PACKAGES: Readonly<Record<string, string>> = { crun: 'crun', runc: 'runc', youki: 'youki' };

/** OCI runtimes that this machine has not: a warning, as the stack may be meant for another one; the plan refuses it. */
export function checkRuntimes(input: CheckInput): void {
  checkServices(input, [{ keys: ['runtime'], check: checkRuntime }]);
}

function checkRuntime({ service, place }: ServiceAt): void {
  const runtime = ociRuntime(service);
  if (runtime === undefined) return;
  const runtimePlace = partPlace(place, 'runtime');
  if (!/^(\/.+|[^/]+)$/.test(runtime)) {
    complain(runtimePlace, {
      message: `${quoted(runtime)} is neither the name of a program nor an absolute path`,
      hint: 'write crun, runc or the path of another OCI runtime, or tsstack for none',
    });
    return;
  }
  if (programPaths(runtime).some((path) => pathKind(path) !== 'missing')) return;
  const known = PACKAGES[runtime];
  complain(runtimePlace, {
    severity: 'warning',
    code: 'path.missing',
    message: `${nameOf(runtimePlace)}: this machine has no OCI runtime ${quoted(runtime)}`,
    hint:
      known === undefined
        ? 'install it, or take it out: tsstack starts containers itself'
        : `apt-get install -y ${known}, or take it out: tsstack starts containers itself`,
  });
}
