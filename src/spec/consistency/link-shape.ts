import { at, type Context, complain, type Place, pathOf } from '../canonical/context.ts';
import { parseLinkShape } from '../link-shape.ts';
import { isDict, nodeAt, toValue } from '../node.ts';
import { type CheckInput, keysOf, type ServiceAt } from './input.ts';

/** What `x-shape` says, of a service and of its networks, must be something that can be done, and to an interface. */
export function checkLinkShapes(input: CheckInput, context: Context): void {
  for (const each of input.services) {
    checkLinkShape(each, at(each.place, 'x-shape'), context);
    const networks = at(each.place, 'networks');
    for (const name of keysOf(each.service['networks'])) {
      checkLinkShape(each, at(at(networks, name), 'x-shape'), context);
    }
  }
}

function checkLinkShape({ name, service }: ServiceAt, place: Place, context: Context): void {
  const node = nodeAt(context.root, pathOf(place));
  const value = node === undefined ? undefined : toValue(node);
  if (!isDict(value)) return;
  for (const { path, message, hint } of parseLinkShape(value).problems) {
    complain(path.reduce(at, place), { message, hint });
  }
  const mode = service['network_mode'];
  if (typeof mode !== 'string' || mode === 'bridge') return;
  complain(place, {
    code: 'conflict.key',
    message: `the service "${name}" has an "x-shape" and, with "network_mode: ${mode}", no interface of its own: keep one`,
    key: true,
  });
}
