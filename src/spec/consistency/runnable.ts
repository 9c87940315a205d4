import { asideNames } from '../aside.ts';
import { type Context, complain, pathOf } from '../canonical/context.ts';
import { type Dict, nodeAt } from '../node.ts';
import { type CheckInput, servicesOf } from './input.ts';

/**
 * A service without a root of its own runs on the programs of the machine, so it must say which. Nothing is said of a
 * service with another error, nor where a service was set aside: what is missing may be what could not be read (by an
 * `extends`, say).
 */
export function checkRunnable(input: CheckInput, context: Context): void {
  if (asideNames(context.root, 'services').length > 0) return;
  const idle = servicesOf(input.enabled, context).filter(({ service, place }) => {
    const node = nodeAt(context.root, pathOf(place));
    if (hasProgram(service) || node === undefined) return false;
    return !(node.kind === 'map' && node.entries.has('x-rootfs')) && !context.diagnostics.hasErrorIn(node);
  });
  for (const { name, place } of idle) {
    complain(place, {
      code: 'schema.missing',
      message: `the service "${name}" has nothing to run: neither image nor build nor command`,
      hint: 'write "image: NAME", or "command: PROGRAM" to run a program of this machine',
      key: true,
    });
  }
}

function hasProgram(service: Dict): boolean {
  if (['image', 'build', 'provider'].some((key) => service[key] !== undefined)) return true;
  return ['command', 'entrypoint'].some((key) => Array.isArray(service[key]) && service[key].length > 0);
}
