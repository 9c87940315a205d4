import type { PublishedPort } from '../model/container.ts';
import { openElements, portTargets, publishingEndpoint } from '../network/ports.ts';
import type { Draft } from './draft.ts';
import type { Findings } from './findings.ts';

/** Says, once a service, what its networks cannot do: see `checkPorts()`, `checkShapes()`. */
export function checkReach(drafts: readonly Draft[], findings: Findings): void {
  checkPorts(drafts, findings);
  checkShapes(drafts, findings);
}

/** `x-shape` is done at the host's end of a link, which an interface of macvlan or ipvlan does not have. */
function checkShapes(drafts: readonly Draft[], findings: Findings): void {
  const said = new Set<string>();
  for (const { spec, endpoints } of drafts) {
    for (const { network, bridge } of endpoints) {
      const message = `x-shape of service "${spec.key.service}" does nothing on network "${network}": only links to bridges are shaped.`;
      if (bridge !== undefined || spec.networks[network]?.shape === undefined || said.has(message)) continue;
      said.add(message);
      findings.warnings.push(message);
    }
  }
}

/** Published ports that lead nowhere: the container has no address that they could lead to. */
function checkPorts(drafts: readonly Draft[], findings: Findings): void {
  const said = new Set<string>();
  for (const { spec, ports, endpoints } of drafts) {
    const { service } = spec.key;
    if (said.has(service) || endpoints.length === 0) continue;
    const lost = ports.filter(
      (port) => portTargets([port], endpoints).size + openElements([port], endpoints).length === 0,
    );
    if (lost.length === 0) continue;
    said.add(service);
    const families = ([4, 6] as const).filter((family) => publishingEndpoint(endpoints, family) === undefined);
    const lacks = families.map((family) => `IPv${family}`).join(' or ');
    findings.warnings.push(
      `Ports of service "${service}" are not published (${lost.map(describe).join(', ')}): it has no ${lacks} address on a bridge.`,
    );
  }
}

function describe({ hostIp, hostPort, protocol }: PublishedPort): string {
  const host = hostIp?.includes(':') === true ? `[${hostIp}]` : hostIp;
  return `${host === undefined ? '' : `${host}:`}${hostPort}/${protocol}`;
}
