import type { ContainerSpec, Endpoint } from './container.ts';
import type { HealthResult } from './health.ts';
import type { LiveNetwork } from './live.ts';

/** A command that shows a kernel object of a container. */
export interface LookCommand {
  readonly shows: string;
  /** To be run as root in a shell. */
  readonly command: string;
}

/** What a container was made from, without what would give a secret away. */
export type ShownSpec = Omit<ContainerSpec, 'key' | 'name' | 'image' | 'env' | 'files'> & {
  readonly imageId: string;
  /** A value whose name sounds like a secret is `(sensitive)`. */
  readonly env: Readonly<Record<string, string>>;
  /** Configs and secrets, without anything of their content. */
  readonly files: readonly { readonly kind: string; readonly source: string; readonly target: string }[];
};

/** What is known of a container besides its state. */
export interface Inspection {
  readonly spec: ShownSpec;
  readonly endpoints: readonly Endpoint[];
  /** What was changed on its networks by hand; absent: nothing. */
  readonly live?: LiveNetwork;
  readonly stoppedByUser: boolean;
  /** The last results of its health check, oldest first. */
  readonly healthResults: readonly HealthResult[];
  /** What leads to its kernel objects. */
  readonly commands: readonly LookCommand[];
}
