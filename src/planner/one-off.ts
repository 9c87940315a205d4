import type { Mount } from '../model/mounts.ts';
import type { OneOffSettings } from '../model/one-off.ts';
import type { PortMapping, Service, Stack } from '../model/stack.ts';
import { member } from './record.ts';

/** What `run` changes of a service for the one container that it makes. */
export interface OneOffOptions extends OneOffSettings {
  /** Tells it from others of the service: `web-run-<slug>` is what it is called in its stack. */
  readonly slug: string;
  readonly ports: readonly PortMapping[];
  /** Laid over the service's own of the same target. */
  readonly mounts: readonly Mount[];
}

/** What a one-off container of a service is called in its stack: a service of its own that has one container. */
export function oneOffName({ service, slug }: Pick<OneOffOptions, 'service' | 'slug'>): string {
  return `${service}-run-${slug}`;
}

/**
 * The stack with a service more: the one-off, which `planUp()` then treats as any other. It has no restart policy, no
 * fixed address, and no name that belongs to the service's replicas. undefined: there is no such service.
 */
export function withOneOff(stack: Stack, options: OneOffOptions): Stack | undefined {
  const service = member(stack.services, options.service);
  if (service === undefined) return undefined;
  const name = oneOffName(options);
  return { ...stack, services: { ...stack.services, [name]: oneOffService(stack, service, options) } };
}

function oneOffService(stack: Stack, service: Service, options: OneOffOptions): Service {
  const { command, entrypoint, user, workingDir, tty, stdinOpen } = options;
  const name = oneOffName(options);
  // Who asked for it is shown its output from its log.
  const { logDriver: _none, preStart: _first, ...shown } = service;
  return {
    ...shown,
    name,
    replicas: 1,
    containerName: options.name ?? `${stack.name}-${name}`,
    labels: { ...service.labels, ...options.labels },
    ...(entrypoint !== undefined && { entrypoint, command: [] }),
    ...(command.length > 0 && { command }),
    environment: { ...service.environment, ...options.environment },
    unsetEnvironment: (service.unsetEnvironment ?? []).filter((key) => !Object.hasOwn(options.environment, key)),
    ...(user !== undefined && { user }),
    ...(workingDir !== undefined && { workingDir }),
    tty,
    stdinOpen,
    restart: { condition: 'no' },
    dependsOn: options.noDeps ? {} : service.dependsOn,
    networks: attachments(service, options.useAliases),
    ports: [...(options.servicePorts ? service.ports : []), ...options.ports],
    mounts: [...service.mounts, ...options.mounts],
    security: {
      ...service.security,
      capAdd: [...service.security.capAdd.filter((each) => !options.capDrop.includes(each)), ...options.capAdd],
      capDrop: [...service.security.capDrop.filter((each) => !options.capAdd.includes(each)), ...options.capDrop],
    },
    watch: [],
    oneOff: { service: service.name, remove: options.remove },
  };
}

/** Fixed addresses are the replicas': two containers cannot have them at the same time. */
function attachments({ name, networks }: Service, useAliases: boolean): Service['networks'] {
  return Object.fromEntries(
    Object.entries(networks).map(([key, attachment]) => {
      const { ipv4Address: _4, ipv6Address: _6, macAddress: _mac, ...rest } = attachment;
      return [key, { ...rest, aliases: useAliases ? [name, ...attachment.aliases] : [] }];
    }),
  );
}
