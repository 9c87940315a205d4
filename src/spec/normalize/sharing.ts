import type { NamespaceModes, SharedNamespace } from '../../model/limits.ts';
import type { Service } from '../../model/stack.ts';

/** `service:NAME`, `container:NAME`; undefined: another word. */
export function sharedNamespace(mode: string): SharedNamespace | undefined {
  const match = /^(service|container):(.*)$/s.exec(mode);
  const name = match?.[2] ?? '';
  if (match === null) return undefined;
  return match[1] === 'service' ? { type: 'service', service: name } : { type: 'container', container: name };
}

/** `container:NAME` of a container that this stack makes is `service:NAME`: it is made first, and both are replaced. */
export function shareWithinStack(stack: string, services: Record<string, Service>): void {
  const makers = new Map(
    Object.values(services).map(({ name, containerName = `${stack}-${name}-1` }) => [containerName, name]),
  );
  for (const [key, service] of Object.entries(services)) {
    const within = <Mode>(mode: Mode | SharedNamespace): Mode | SharedNamespace => {
      if (typeof mode !== 'object' || mode === null || !('type' in mode) || mode.type !== 'container') return mode;
      const maker = makers.get(mode.container);
      return maker === undefined || maker === key ? mode : { type: 'service', service: maker };
    };
    const { networkMode, namespaces } = service;
    const shared: NamespaceModes = { ...namespaces, ipc: within(namespaces.ipc), pid: within(namespaces.pid) };
    services[key] = { ...service, networkMode: within(networkMode), namespaces: shared };
  }
}
