/** Options of `tsstack image`; each verb has some of them. */
export interface ImageOptions {
  readonly quiet: boolean;
  readonly force: boolean;
  readonly all: boolean;
  readonly 'no-trunc': boolean;
  readonly output: string | undefined;
  readonly platform: string | undefined;
  readonly input: string | undefined;
  readonly change: readonly string[];
  readonly message: string | undefined;
}
