import { type ContainerKey, containerAddress } from './address.ts';
import type { ContainerSpec } from './container.ts';

/** What the container of one of `pre_start` is called in its stack: a service of its own. `hook` counts from 0. */
export function preStartName(service: string, hook: number): string {
  return `${service}-pre_start-${hook}`;
}

/** The replica that a container of `pre_start` runs for; undefined: it is none. */
export function preStartReplica({ key, oneOff }: Pick<ContainerSpec, 'key' | 'oneOff'>): ContainerKey | undefined {
  if (oneOff?.preStart === undefined) return undefined;
  return { stack: key.stack, service: oneOff.service, ...oneOff.preStart };
}

/** `pre_start[0] of service.web[1]`; undefined for any other container. */
export function preStartTitle(spec: Pick<ContainerSpec, 'key' | 'oneOff'>): string | undefined {
  const replica = preStartReplica(spec);
  if (replica === undefined) return undefined;
  const hook = spec.key.service.slice(preStartName(replica.service, 0).length - 1);
  return `pre_start[${hook}] of ${containerAddress(replica.service, replica.index)}`;
}
