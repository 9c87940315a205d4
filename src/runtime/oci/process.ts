import type { ContainerSpec } from '../../model/container.ts';
import type { Security } from '../../model/limits.ts';
import { containerCapabilities } from '../capabilities.ts';
import { containerEnvironment } from '../environment.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import { containerLabels } from '../labels.ts';
import { containerRlimits } from '../rlimit.ts';
import type { Identity } from '../user.ts';
import type { OciProcess } from './config.ts';

/** RLIM_INFINITY. */
const UNLIMITED = 2n ** 64n - 1n;

/** What is executed, and by whom: pid 1, or something beside it. */
export interface ProcessConfig {
  readonly spec: ContainerSpec;
  readonly kernel: KernelFacts;
  readonly identity: Identity;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly tty: boolean;
  /** The container's, or more than that for what is executed with all privileges. */
  readonly security: Security;
}

/** A process as an OCI runtime is told it, in config.json or for `exec --process`. Throws `launch-failed`. */
export function ociProcess(config: ProcessConfig): OciProcess {
  const { spec, kernel, identity, security, tty } = config;
  const labels = new Map(containerLabels(spec, kernel).map(({ module, name }) => [module, name]));
  const [apparmorProfile, selinuxLabel] = [labels.get('AppArmor'), labels.get('SELinux')];
  const env = containerEnvironment(config.env, spec, { identity, tty });
  const bounding = containerCapabilities(security, kernel).map((name) => `CAP_${name}`);
  const own = identity.uid === 0 ? bounding : [];
  const amount = (limit: number) => (limit === -1 ? UNLIMITED : limit);
  return {
    terminal: tty,
    user: { uid: identity.uid, gid: identity.gid, umask: 0o022, additionalGids: identity.groups },
    args: config.argv,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    cwd: config.workingDir,
    // Inheritable stays empty (CVE-2022-24769).
    capabilities: { bounding, effective: own, permitted: own, inheritable: [], ambient: [] },
    rlimits: containerRlimits(spec.ulimits, kernel).map(({ name, soft, hard }) => ({
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: amount(soft),
      hard: amount(hard),
    })),
    noNewPrivileges: spec.security.noNewPrivileges,
    oomScoreAdj: spec.resources.oomScoreAdj ?? 0,
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
  };
}
