import { isAbsolute, join } from 'node:path';
import { fileStat, readLinkTarget } from '../../host/files.ts';
import { at, baseOf, type Context, complain, pathOf } from '../canonical/context.ts';
import { isDict, nodeAt } from '../node.ts';
import { resolvePath } from '../paths.ts';
import { pathKind } from '../read.ts';
import { type CheckInput, checkServices, type ServiceAt } from './input.ts';

/** Links in a row after which a path counts as a loop. */
const mostLinks = 8;

/** Health checks that need a shell which the root of the service lacks, as far as that is known when a file is read. */
export function checkShells(input: CheckInput, context: Context): void {
  checkServices(input, [{ keys: ['healthcheck'], check: (each) => checkShell(each, context) }]);
}

function checkShell(each: ServiceAt, context: Context): void {
  const check = each.service['healthcheck'];
  if (!isDict(check) || check['disable'] === true) return;
  const { test } = check;
  if (!Array.isArray(test) || test[0] !== 'CMD-SHELL' || !lacksShell(each, context)) return;
  complain(at(at(each.place, 'healthcheck'), 'test'), {
    severity: 'warning',
    code: 'healthcheck.shell',
    message: `the health check of "${each.name}" cannot pass: it needs /bin/sh, which its x-rootfs does not have`,
    hint: 'write ["CMD", PROGRAM, ARGUMENT, …], which needs no shell',
  });
}

function lacksShell({ place, service }: ServiceAt, context: Context): boolean {
  const node = nodeAt(context.root, pathOf(at(place, 'x-rootfs')));
  if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') return false;
  const root = resolvePath(node.value, baseOf(at(place, 'x-rootfs')));
  // A mount may bring the shell.
  const mounted = service['volumes'] !== undefined || service['configs'] !== undefined;
  return pathKind(root) === 'directory' && !mounted && lacksBelow(root, '/bin/sh');
}

function lacksBelow(root: string, path: string): boolean {
  try {
    return lacks(root, path, 0);
  } catch {
    // A folder that may not be read: nothing is known.
    return false;
  }
}

/** Whether a path is not there below a root, whose links must not be followed out of it. */
function lacks(root: string, path: string, links: number): boolean {
  let reached = '/';
  const steps = path.split('/').filter((step) => step !== '');
  for (const [index, step] of steps.entries()) {
    const parent = reached;
    reached = join(parent, step);
    const found = fileStat(join(root, reached));
    if (found === undefined) return true;
    if (found.type !== 'symlink') continue;
    const target = readLinkTarget(join(root, reached));
    if (target === undefined || links > mostLinks) return false;
    return lacks(root, join(isAbsolute(target) ? '/' : parent, target, ...steps.slice(index + 1)), links + 1);
  }
  return false;
}
