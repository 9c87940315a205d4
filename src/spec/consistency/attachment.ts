import ipaddr from 'ipaddr.js';
import { badSysctls, ENDPOINT_OPTIONS } from '../../model/network-options.ts';
import { at, complain, nameOf, type Place } from '../canonical/context.ts';
import type { Dict } from '../node.ts';
import { stringsAt, textsAt } from '../normalize/read.ts';
import { quoted } from '../printable.ts';

/** What a service says of its place on one network, apart from its addresses there. */
export function checkLinkOptions(attachment: Dict, place: Place): void {
  for (const [index, text] of textsAt(attachment, 'link_local_ips').entries()) {
    if (ipaddr.isValid(text) && ipaddr.parse(text).range() === 'linkLocal') continue;
    const where = at(at(place, 'link_local_ips'), index);
    const hint = 'write an address of 169.254.0.0/16 or fe80::/10, such as 169.254.8.8';
    complain(where, { message: `${nameOf(where)} ${quoted(text)} is not a link-local address`, hint });
  }
  const options = stringsAt(attachment, 'driver_opts');
  for (const item of badSysctls(options)) {
    const where = at(at(place, 'driver_opts'), ENDPOINT_OPTIONS.sysctls);
    const hint = 'write net.PROTOCOL.KIND.IFNAME.NAME=VALUE, such as net.ipv4.conf.IFNAME.log_martians=1';
    complain(where, { message: `${nameOf(where)}: ${quoted(item)} is no setting of this interface`, hint });
  }
}
