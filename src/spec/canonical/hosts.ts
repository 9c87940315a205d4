import { isDict, type Value } from '../node.ts';
import { printable, quoted } from '../printable.ts';
import { at, complain, type Place } from './context.ts';
import type { Shape } from './shape.ts';

/** `HOST=IP` or `HOST:IP` as a list or a mapping: the sorted list `HOST=IP`, brackets of IPv6 taken off. */
export const extraHosts: Shape = (value, place) => {
  const entries: string[] = [];
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const [host, addresses] = split(String(item));
      if (addresses === undefined) {
        complain(at(place, index), {
          message: `extra_hosts entry ${quoted(item)} has no address: write "name=10.0.0.1"`,
        });
        continue;
      }
      for (const address of addresses.split(',')) entries.push(entry(host, address, at(place, index)));
    }
  } else if (isDict(value)) {
    for (const [host, each] of Object.entries(value)) {
      for (const address of [each].flat() as Value[]) entries.push(entry(host, String(address ?? ''), at(place, host)));
    }
  }
  return entries.length === 0 ? undefined : entries.sort();
};

function split(item: string): [string, string | undefined] {
  const separator = item.includes('=') ? '=' : ':';
  const where = item.indexOf(separator);
  return where === -1 ? [item, undefined] : [item.slice(0, where), item.slice(where + 1)];
}

function entry(host: string, address: string, place: Place): string {
  const bare = address.length > 2 && address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address;
  const bad = host === '' || /[:=\s]/.test(host) ? host : /[\s\p{Cc}]/u.test(bare) ? bare : undefined;
  if (bad !== undefined) {
    complain(place, {
      code: 'schema.pattern',
      message: `extra_hosts: ${quoted(printable(bad))} is not a name and an address`,
    });
  }
  return `${host}=${bare}`;
}
