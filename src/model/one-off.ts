/** What `run` is asked of the one container that it makes of a service. */
export interface OneOffSettings {
  readonly service: string;
  /** Container name; absent: `STACK-SERVICE-run-` and 12 hexadecimal digits. */
  readonly name?: string;
  /** Remove it when it has ended, with its anonymous volumes: the daemon does, whoever is there then. */
  readonly remove: boolean;
  /** Empty: the service's own. */
  readonly command: readonly string[];
  /** With this the service's own command is left out. */
  readonly entrypoint?: readonly string[];
  /** Laid over the service's own, as are labels. */
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  /** A terminal for its first process. */
  readonly tty: boolean;
  /** Standard input is a named pipe that a client writes to; else `/dev/null`. */
  readonly stdinOpen: boolean;
  readonly servicePorts: boolean;
  readonly noDeps: boolean;
  readonly useAliases: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
}
