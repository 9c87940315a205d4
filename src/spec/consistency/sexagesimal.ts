import { at, type Context, complain, type Place, pathOf } from '../canonical/context.ts';
import { entryOf, nodeAt, type SpecNode } from '../node.ts';
import { type CheckInput, checkServices } from './input.ts';

/** A whole number in base 60 (YAML 1.1, "int"): no part behind a colon is beyond 59. */
const pattern = /^[+-]?[1-9][\d_]*(:[0-5]?\d)+$/;

/**
 * Ports such as `22:22`, and users such as `1000:50`, without quotes: YAML 1.1 reads a number in base 60. 1.2 does not,
 * but other tools may.
 */
export function checkSexagesimals(input: CheckInput, context: Context): void {
  checkServices(input, [{ keys: ['user', 'ports'], check: ({ place }) => checkService(place, context) }]);
}

function checkService(place: Place, { root }: Context): void {
  const service = nodeAt(root, pathOf(place));
  if (service === undefined) return;
  check(entryOf(service, 'user')?.node, at(place, 'user'));
  const ports = entryOf(service, 'ports')?.node;
  if (ports?.kind !== 'seq') return;
  for (const [index, item] of ports.items.entries()) check(item, at(at(place, 'ports'), index));
}

function check(node: SpecNode | undefined, place: Place): void {
  if (node?.kind !== 'scalar') return;
  const written = node.source.text.slice(node.start, node.end);
  if (!pattern.test(written)) return;
  const number = written
    .replaceAll('_', '')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0);
  complain(place, {
    severity: 'warning',
    code: 'yaml.sexagesimal',
    message: `other YAML readers take ${written} as the number ${number}`,
    hint: `write it in quotes: "${written}"`,
  });
}
