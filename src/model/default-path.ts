/** Where programs are looked for when nothing says it: Docker's (moby, daemon/internal/oci/defaults.go `DefaultPathEnv`). */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
