import type { HostOp } from '../../host/op.ts';
import { networkAlias } from '../../model/address.ts';
import type { NetworkSpec } from '../../model/container.ts';
import { bridgeOptions } from '../../model/network-options.ts';
import { prepareHost, restoreHost } from '../../network/bridge.ts';
import { isBridged } from '../../network/bridge-network.ts';
import { setUpNetwork, takeDownNetwork } from '../../network/driver.ts';
import { parseHostSettings, readHostSettings } from '../../network/inspect.ts';
import { networkFile } from '../../store/description.ts';
import { hostSettingsPath } from '../../store/paths.ts';
import type { ExecutorContext } from '../context.ts';
import type { Handler } from '../handler.ts';

export const createNetworkHandler: Handler<'create-network'> = {
  before({ network }, { records, serving }) {
    records.networks.put(network);
    serving?.prepare();
  },
  operations({ network, before }, context) {
    const file = networkFile(context.paths, network);
    // What is no bridge needs nothing of the host: no rules, no forwarding.
    const bridged = isBridged(network);
    return [
      ...(bridged ? rememberSettings(context) : []),
      { op: 'mkdir', path: file.directory, mode: 0o700 },
      { op: 'write-file', path: file.path, data: JSON.stringify(network), mode: 0o600 },
      ...(bridged ? prepareHost() : []),
      ...setUpNetwork(network, before),
    ];
  },
};

export const removeNetworkHandler: Handler<'remove-network'> = {
  operations: ({ network }, { host, paths, records }) => {
    const others = records.networks.all().filter((other) => other.name !== network.name);
    const heir = others.find((other) => sharesParent(network, other));
    const link = hasOtherOwner(host, network) ? 'keep' : 'delete';
    const file = networkFile(paths, network);
    return [
      ...takeDownNetwork(network, { link, others, ...(heir !== undefined && { heir }) }),
      { op: 'remove', path: file.path },
      // That of a stack goes with the stack.
      ...(network.stack === ''
        ? [{ op: 'rmdir' as const, path: file.directory, tolerateNonEmpty: true as const }]
        : []),
    ];
  },
  /** Several are removed at the same time: which is the last is known when it is gone. */
  async after({ network }, context) {
    const { host, records } = context;
    records.networks.delete(network.name);
    if (records.networks.size === 0) await host.perform(putSettingsBack(context));
  },
};

function sharesParent({ parent }: NetworkSpec, other: NetworkSpec): boolean {
  return parent !== undefined && parent.device === other.parent?.device;
}

/** A name may be one of the user's, who may have made another interface since ours went. */
function hasOtherOwner(host: ExecutorContext['host'], network: NetworkSpec): boolean {
  const name = network.parent?.device ?? bridgeOptions(network).name;
  const alias = name === undefined ? undefined : host.readText(`/sys/class/net/${name}/ifalias`)?.trim();
  return alias !== undefined && alias !== networkAlias(network);
}

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
