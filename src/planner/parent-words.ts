import type { Draft } from './draft.ts';
import type { Findings } from './findings.ts';

/** Says, once a service, what of its words has no meaning on a macvlan or ipvlan. */
export function checkParentWords(drafts: readonly Draft[], findings: Findings): void {
  for (const { spec, endpoints } of drafts) {
    const { service, index } = spec.key;
    if (index !== 1) continue;
    for (const { network, parent, macAddress } of endpoints) {
      if (parent?.driver !== 'ipvlan' || macAddress === undefined) continue;
      findings.warnings.push(
        `mac_address of service "${service}" on network "${network}" has no effect: an ipvlan has that of "${parent.device}".`,
      );
    }
    const wantsHost = spec.extraHosts.some(({ address }) => address === 'host-gateway');
    const hasBridge = endpoints.some(({ bridge }) => bridge !== undefined);
    if (!wantsHost || endpoints.length === 0 || hasBridge) continue;
    findings.warnings.push(
      `host-gateway in extra_hosts of service "${service}" has no effect: from a macvlan or ipvlan its host is out of reach.`,
    );
  }
}
