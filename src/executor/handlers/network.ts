import { createNetwork, prepareHost, removeNetwork, restoreHost } from '../../network/bridge.ts';
import { parseHostSettings, readHostSettings } from '../../network/inspect.ts';
import { networkFile } from '../../store/description.ts';
import type { Handler } from '../handler.ts';

export const createNetworkHandler: Handler<'create-network'> = {
  before({ network }, { records, host }) {
    // What we change of the machine is written down before it is changed, to be put back after the last network.
    records.hostSettings ??= { ...readHostSettings(host) };
    records.networks.put(network);
  },
  operations({ network }, { paths }) {
    const file = networkFile(paths, network);
    return [
      ...prepareHost(),
      ...createNetwork(network),
      { op: 'mkdir', path: file.directory, mode: 0o700 },
      { op: 'write-file', path: file.path, data: JSON.stringify(network), mode: 0o600 },
    ];
  },
};

export const removeNetworkHandler: Handler<'remove-network'> = {
  operations({ network }, { paths, records }) {
    const last = records.networks.size <= 1;
    const settings = last ? parseHostSettings(records.hostSettings) : undefined;
    return [
      ...removeNetwork(network),
      { op: 'remove', path: networkFile(paths, network).path },
      ...(settings === undefined ? [] : restoreHost(settings)),
    ];
  },
  after({ network }, { records }) {
    records.networks.delete(network.name);
    if (records.networks.size === 0) records.hostSettings = undefined;
  },
};
