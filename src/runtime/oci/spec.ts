import { ownsIpc } from '../../model/sharing.ts';
import { cgroupName } from '../../store/paths.ts';
import { containerCapabilities } from '../capabilities.ts';
import type { LaunchConfig, OciFacts } from '../config.ts';
import { READ_ONLY_PATHS } from '../steps/kernel-filesystems.ts';
import { containerSysctls } from '../sysctl.ts';
import { hostIdBase, ID_COUNT } from '../user-namespace.ts';
import type { OciConfig, OciDeviceRule, OciLinux } from './config.ts';
import { INIT, ociMounts, seenBundle } from './mounts.ts';
import { ociProcess } from './process.ts';
import { ociSeccomp } from './seccomp.ts';

/**
 * The oldest version of the specification that has all that is used here (user.umask), so that runtimes of every age take
 * it: crun 1.8 refuses what does not say 1.0. What 1.2 says of these fields is the same.
 */
const OCI_VERSION = '1.0.2';

/**
 * A start as config.json of the OCI runtime specification, the same in every point as what the built-in launcher does.
 * Throws `launch-failed` as that does.
 */
export function ociConfig(config: LaunchConfig): OciConfig {
  const { spec } = config;
  return {
    ociVersion: OCI_VERSION,
    process: ociProcess({
      ...config,
      argv: spec.init ? [INIT] : spec.argv,
      env: spec.env,
      workingDir: spec.workingDir,
      tty: spec.tty,
      security: spec.security,
    }),
    root: { path: `${seenBundle(config)}/rootfs`, readonly: spec.readOnly },
    ...(spec.namespaces.uts === 'private' && { hostname: spec.hostname }),
    mounts: ociMounts(config).map(({ mount }) => mount),
    annotations: {
      'tsstack.stack': spec.key.stack,
      'tsstack.service': spec.key.service,
      'tsstack.container': spec.name,
    },
    linux: ociLinux(config),
  };
}

function ociLinux(config: LaunchConfig): OciLinux {
  const { spec, kernel, identity, seccompProfile } = config;
  const { security } = spec;
  const open = security.privileged || security.systemPaths === 'unconfined';
  const capabilities = containerCapabilities(spec.security, kernel);
  const seccomp = ociSeccomp({ security, kernel, capabilities, seccompProfile });
  const hostID = hostIdBase(spec, kernel, identity);
  const mappings = hostID === undefined ? undefined : [{ containerID: 0, hostID, size: ID_COUNT }];
  return {
    namespaces: namespaces(config),
    ...(mappings !== undefined && { uidMappings: mappings, gidMappings: mappings }),
    cgroupsPath: `/${cgroupName(spec.key)}`,
    resources: { devices: ociDevices(config.oci?.deviceRules ?? []) },
    sysctl: sysctls(config),
    rootfsPropagation: propagation(config),
    maskedPaths: open ? [] : kernel.maskedPaths.map(({ path }) => path),
    readonlyPaths: open ? [] : READ_ONLY_PATHS,
    ...(seccomp !== undefined && { seccomp }),
  };
}

/** Everything denied, then what is allowed. */
function ociDevices(rules: OciFacts['deviceRules']): readonly OciDeviceRule[] {
  if (rules === 'all') return [{ allow: true, access: 'rwm' }];
  const allowed = rules.map(
    ({ type, major, minor, permissions }): OciDeviceRule => ({
      allow: true,
      type: type === 'block' ? 'b' : 'c',
      ...(major !== '*' && { major }),
      ...(minor !== '*' && { minor }),
      access: permissions,
    }),
  );
  return [{ allow: false, access: 'rwm' }, ...allowed];
}

function namespaces({ spec, network }: LaunchConfig): OciLinux['namespaces'] {
  const { uts, cgroup, user } = spec.namespaces;
  const own = (mode: string, type: string) => (mode === 'private' ? [{ type }] : []);
  return [
    { type: 'mount' },
    ...(network.type === 'path' ? [{ type: 'network', path: network.path }] : []),
    ...(spec.namespaces.pid === 'private' ? [{ type: 'pid' }] : []),
    ...(ownsIpc(spec.namespaces) ? [{ type: 'ipc' }] : []),
    ...own(uts, 'uts'),
    ...own(cgroup, 'cgroup'),
    ...own(user, 'user'),
  ];
}

/** The domain name too, as Docker has it: the specification's own field is younger than many runtimes. */
function sysctls(config: LaunchConfig): Readonly<Record<string, string>> {
  const { domainname, namespaces: modes } = config.spec;
  const named = domainname !== '' && modes.uts === 'private' ? { 'kernel.domainname': domainname } : {};
  return { ...named, ...Object.fromEntries(runtimeSysctls(config).map(({ name, value }) => [name, value])) };
}

function runtimeSysctls(config: LaunchConfig): ReturnType<typeof containerSysctls> {
  const mapped = config.spec.namespaces.user === 'private';
  return ownSysctls(config).filter(({ name }) => !mapped || !name.startsWith('net.'));
}

/** Of a network namespace that is the host's root's: a root of its own may not write them, so the launcher does. */
export function launcherSysctls(config: LaunchConfig): ReturnType<typeof containerSysctls> {
  const mapped = config.spec.namespaces.user === 'private';
  return ownSysctls(config).filter(({ name }) => mapped && name.startsWith('net.'));
}

function ownSysctls({ spec, network, kernel }: LaunchConfig): ReturnType<typeof containerSysctls> {
  const own = {
    network: network.type === 'path',
    ipc: ownsIpc(spec.namespaces),
    uts: spec.namespaces.uts === 'private',
    lastGid: kernel.lastGid,
  };
  return containerSysctls(spec.sysctls, own);
}

/** What a volume wants to hear of the host's mounts, or tell it, its parents must let through. */
function propagation({ mounts }: LaunchConfig): string {
  const wanted = mounts.flatMap((mount) => (mount.type === 'bind' ? [mount.propagation ?? ''] : []));
  if (wanted.some((each) => /^r?shared$/.test(each))) return 'shared';
  return wanted.some((each) => /^r?slave$/.test(each)) ? 'slave' : 'private';
}
