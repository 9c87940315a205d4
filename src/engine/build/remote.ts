import type { Remote } from '../../build/execute/work.ts';
import type { Build } from '../../model/build.ts';
import type { Engine } from '../engine.ts';

interface RemoteOptions {
  readonly staging: string;
  readonly build: Build;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export function remoteSources(_engine: Engine, _options: RemoteOptions): Remote {
  const no = (): never => {
    throw new Error('not there yet');
  };
  return {
    context: no,
    file: no,
    repository: no,
    isRepository: () => false,
    isArchive: async () => false,
    unpacked: no,
  };
}
