/** Options of `tsstack volume`; each verb has some of them. */
export interface VolumeOptions {
  readonly quiet: boolean;
  readonly force: boolean;
  readonly all: boolean;
  readonly output: string | undefined;
  readonly label: readonly string[];
  readonly opt: readonly string[];
}
