import type { Stats } from 'node:fs';

/** Below /etc: the host's credentials and identity, whatever their mode. Directories mean all below them. */
const SECRET_PATHS = new Set([
  'shadow',
  'shadow-',
  'gshadow',
  'gshadow-',
  'passwd-',
  'group-',
  'subuid-',
  'subgid-',
  'sudoers',
  'sudoers.d',
  'doas.conf',
  'crypttab',
  'fstab',
  'krb5.keytab',
  'machine-id',
  'netrc',
  'ssl/private',
  'pki/private',
  'pki/tls/private',
  'ipsec.d/private',
  'ipsec.secrets',
  'swanctl/private',
  'letsencrypt',
  'wireguard',
  'openvpn',
  'NetworkManager/system-connections',
  'netplan',
  'wpa_supplicant',
  'ppp',
  'iscsi',
  'docker',
  'containerd',
  'containers',
  'podman',
  'kubernetes',
  'rancher',
  'tsstack',
  'libvirt',
  'cloud',
  'credstore',
  'credstore.encrypted',
]);

const SECRET_NAMES = [/^ssh\/ssh_host_/, /^ssh\/.*_key(\.pub)?$/, /(^|\/)id_(rsa|dsa|ecdsa|ed25519)$/];

/**
 * true: `path` (below /etc, no leading slash) stays out of containers. Beside the known names that is all that not
 * every user of the host may read: a file or directory closed to others is a secret by its own mode.
 */
export function isSecret(path: string, stats: Stats): boolean {
  if (SECRET_PATHS.has(path) || SECRET_NAMES.some((name) => name.test(path))) return true;
  if (stats.isSymbolicLink()) return false;
  if (stats.isDirectory()) return (stats.mode & 0o005) !== 0o005;
  return !stats.isFile() || (stats.mode & 0o004) === 0;
}
