import type { Build } from '../../model/build.ts';
import { TsstackError } from '../../model/error.ts';
import type { Stack } from '../../model/stack.ts';
import type { Engine } from '../engine.ts';
import type { Reporting } from '../reporting.ts';

export interface WantedBuild {
  readonly service: string;
  readonly build: Build;
  /** Names that the image gets, as written: `image` or PROJECT-SERVICE first, then `build.tags`. */
  readonly names: readonly string[];
  /** Of the service; `build.platforms` wins. */
  readonly platform?: string;
}

export interface BuildOptions {
  /** Over each build's own. */
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly args: Readonly<Record<string, string>>;
  /** A stage, instead of each build's own. */
  readonly target?: string;
  readonly ssh: Readonly<Record<string, string>>;
  /** Keep the failed state of a RUN as an image without a name, told in the error's report. */
  readonly keepFailed: boolean;
  /** Variables of the caller: credentials, SSH_AUTH_SOCK, SOURCE_DATE_EPOCH, proxies. */
  readonly env: Readonly<Record<string, string>>;
}

export interface BuiltImage {
  readonly service: string;
  readonly id: string;
  readonly names: readonly string[];
}

/** Builds side by side, one that takes another's image (`service:x`) after it. Throws the first failure when all have ended. */
// biome-ignore lint/complexity/useMaxParams: what it needs
export async function buildImages(
  _engine: Engine,
  _stack: Stack,
  builds: readonly WantedBuild[],
  _options: BuildOptions,
  _reporting: Reporting,
): Promise<readonly BuiltImage[]> {
  throw new TsstackError('build-failed', `No builder for ${builds.map(({ service }) => service).join(', ')}`);
}
