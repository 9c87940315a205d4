import type { HostOp } from '../../host/op.ts';
import { createNetwork, prepareHost, removeNetwork, restoreHost } from '../../network/bridge.ts';
import { parseHostSettings, readHostSettings } from '../../network/inspect.ts';
import { networkFile } from '../../store/description.ts';
import { hostSettingsPath } from '../../store/paths.ts';
import type { ExecutorContext } from '../context.ts';
import type { Handler } from '../handler.ts';

export const createNetworkHandler: Handler<'create-network'> = {
  before({ network }, { records }) {
    records.networks.put(network);
  },
  operations({ network }, context) {
    const file = networkFile(context.paths, network);
    return [
      ...rememberSettings(context),
      { op: 'mkdir', path: file.directory, mode: 0o700 },
      { op: 'write-file', path: file.path, data: JSON.stringify(network), mode: 0o600 },
      ...prepareHost(),
      ...createNetwork(network),
    ];
  },
};

export const removeNetworkHandler: Handler<'remove-network'> = {
  operations: ({ network }, { paths }) => [
    ...removeNetwork(network),
    { op: 'remove', path: networkFile(paths, network).path },
  ],
  /** Several are removed at the same time: which is the last is known when it is gone. */
  async after({ network }, context) {
    const { host, records } = context;
    records.networks.delete(network.name);
    if (records.networks.size === 0) await host.perform(putSettingsBack(context));
  },
};

/** What we change of the machine is written down before it is changed. */
function rememberSettings({ host, paths }: ExecutorContext): readonly HostOp[] {
  const path = hostSettingsPath(paths);
  if (host.stat(path) !== undefined) return [];
  return [
    { op: 'mkdir', path: paths.state, mode: 0o700 },
    { op: 'write-file', path, data: JSON.stringify(readHostSettings(host)), mode: 0o600 },
  ];
}

function putSettingsBack({ host, paths }: ExecutorContext): readonly HostOp[] {
  const path = hostSettingsPath(paths);
  const now = readHostSettings(host);
  return [...restoreHost(parseHostSettings(host.readText(path)) ?? now, now), { op: 'remove', path }];
}
