import { parseSignal } from '../../lib/signal-number.ts';
import { ENDPOINT_OPTIONS } from '../../model/network-options.ts';
import { at, complain, nameOf, type Place } from '../canonical/context.ts';
import type { Dict } from '../node.ts';
import { stringsAt, textsAt } from '../normalize/read.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, checkServices, type ServiceAt } from './input.ts';

/** Words that go on to the kernel, to nft and into files of containers: what they are made of is checked here. */

/** Letters, digits and `-` between dots (RFC 1123), and `_`, which Docker lets pass. */
export const hostname = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/;
/** IFNAMSIZ less its end; no `%`, which would make it a pattern. */
const interfaceName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;
/** The lowest bit of the first byte says that it is not that of one interface. */
const macAddress = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i;

export function checkServiceWords(input: CheckInput): void {
  checkServices(input, [{ keys: ['domainname', 'mac_address', 'stop_signal'], check: checkService }]);
}

function checkService({ service, place }: ServiceAt): void {
  expect(service, at(place, 'domainname'), 'domainname', { pattern: hostname, what: 'a domain name' });
  checkMac(service, place);
  const { stop_signal: signal } = service;
  if (typeof signal === 'string' && parseSignal(signal) === undefined) {
    const where = at(place, 'stop_signal');
    complain(where, {
      message: `${nameOf(where)} is ${quoted(signal)}: there is no such signal`,
      hint: 'write SIGTERM',
    });
  }
}

/** What a service says of its place on one network. */
export function checkAttachmentWords(attachment: Dict, place: Place): void {
  checkMac(attachment, place);
  for (const [index, alias] of textsAt(attachment, 'aliases').entries()) {
    if (hostname.test(alias)) continue;
    const where = at(at(place, 'aliases'), index);
    complain(where, { code: 'schema.pattern', message: `${nameOf(where)} ${quoted(alias)} is not a host name` });
  }
  const hint = 'write at most 15 letters, digits, "_", "-" and "."';
  const rule = { pattern: interfaceName, what: 'the name of an interface', hint };
  expect(attachment, at(place, 'interface_name'), 'interface_name', rule);
  const options = at(place, 'driver_opts');
  expect(
    stringsAt(attachment, 'driver_opts'),
    at(options, ENDPOINT_OPTIONS.interfaceName),
    ENDPOINT_OPTIONS.interfaceName,
    rule,
  );
}

function checkMac(of: Dict, place: Place): void {
  const hint = 'write six bytes of which the first is even, such as 02:42:ac:11:00:02';
  expect(of, at(place, 'mac_address'), 'mac_address', {
    pattern: macAddress,
    what: 'the MAC address of an interface',
    hint,
  });
}

function expect(
  of: Readonly<Record<string, unknown>>,
  place: Place,
  key: string,
  { pattern, what, hint }: { readonly pattern: RegExp; readonly what: string; readonly hint?: string },
): void {
  const value = of[key];
  if (typeof value !== 'string' || pattern.test(value)) return;
  const message = `${nameOf(place)} ${quoted(value)} is not ${what}`;
  complain(place, { code: 'schema.pattern', message, ...(hint !== undefined && { hint }) });
}
