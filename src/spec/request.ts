/** Everything that decides what a stack file means. Plain JSON: the CLI sends it to the daemon as it stands. */
export interface LoadRequest {
  /** `-f`, in order, relative to `cwd`; `-` reads `stdin`. Empty: COMPOSE_FILE, then the default names, searched upwards. */
  readonly files: readonly string[];
  readonly cwd: string;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `--env-file`, in order; empty: `.env` of the project directory. */
  readonly envFiles: readonly string[];
  /** `-p`. */
  readonly projectName?: string;
  readonly projectDirectory?: string;
  /** `--profile`, several; `*` is all. */
  readonly profiles: readonly string[];
  /** Services that the command names: they and their dependencies are enabled. Empty: all. */
  readonly services: readonly string[];
  /** `--scale`: number of replicas by service, whatever the files say. */
  readonly scale?: Readonly<Record<string, number>>;
  /** `--all-resources`: networks and volumes that no service uses are there, too. */
  readonly allResources?: boolean;
  /** `config --no-consistency`: what only fits together badly is no error. */
  readonly unchecked?: boolean;
  /** Text of `-f -`. */
  readonly stdin?: string;
}
