import type { NamespaceModes, SharedNamespace } from './limits.ts';
import type { NetworkMode } from './stack.ts';

/** What of a container can be another one's. */
export type NamespaceKind = 'network' | 'ipc' | 'pid';

/** A namespace that a container has from another one. */
export interface Sharing {
  readonly kind: NamespaceKind;
  readonly owner: SharedNamespace;
}

/** The keys of a stack file that say it. */
export const SHARING_KEYS: Readonly<Record<NamespaceKind, string>> = {
  network: 'network_mode',
  ipc: 'ipc',
  pid: 'pid',
};

/** What it is called in messages. */
export const NAMESPACE_WORDS: Readonly<Record<NamespaceKind, string>> = {
  network: 'network',
  ipc: 'IPC namespace',
  pid: 'processes',
};

/** The namespaces that a service or a container shares with another container; none for most. */
export function sharedNamespaces({
  networkMode,
  namespaces,
}: {
  readonly networkMode: NetworkMode;
  readonly namespaces: NamespaceModes;
}): readonly Sharing[] {
  const { ipc, pid } = namespaces;
  return [
    ...(networkMode.type === 'service' || networkMode.type === 'container'
      ? [{ kind: 'network' as const, owner: networkMode }]
      : []),
    ...(typeof ipc === 'object' ? [{ kind: 'ipc' as const, owner: ipc }] : []),
    ...(typeof pid === 'object' ? [{ kind: 'pid' as const, owner: pid }] : []),
  ];
}

/** `service "web"`, `container "demo-web-1"`. */
export function ownerWords(owner: SharedNamespace): string {
  return owner.type === 'service' ? `service "${owner.service}"` : `container "${owner.container}"`;
}

/** Whether a container's IPC namespace is made for it. */
export function ownsIpc({ ipc }: Pick<NamespaceModes, 'ipc'>): boolean {
  return ipc === 'private' || ipc === 'shareable' || ipc === 'none';
}

/** Whether others may join it. As Docker: what is private stays so, unless its owner says otherwise. */
export function sharesIpc({ ipc }: Pick<NamespaceModes, 'ipc'>): boolean {
  return ipc !== 'private' && ipc !== 'none';
}
