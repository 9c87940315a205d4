import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../../src/engine/engine.ts';
import type { HostOp } from '../../src/host/op.ts';
import { RealHost } from '../../src/host/real-host.ts';
import { RecordingHost } from '../../src/host/recording-host.ts';
import type { LoadRequest } from '../../src/spec/load.ts';
import { Database } from '../../src/store/database.ts';
import { imageDirectory, type Paths } from '../../src/store/paths.ts';
import { Records } from '../../src/store/records.ts';

/** An engine that looks at this machine and changes nothing: operations are recorded. Needs no root. */
export interface TestEngine {
  readonly engine: Engine;
  readonly host: RecordingHost;
  readonly paths: Paths;
  /** Gone with the engine. */
  readonly directory: string;
  /** Called before operations are recorded; may wait, and throw. */
  gate: (ops: readonly HostOp[], signal: AbortSignal | undefined) => Promise<void>;
  /** What loads this text as a stack file. */
  readonly load: (text: string) => LoadRequest;
}

/** The store's skeletons of the host: a copy of the whole of /etc takes a second, so the tests of a file share theirs. */
const skeletons = mkdtempSync(join(tmpdir(), 'engine-skeletons-'));
process.once('exit', () => rmSync(skeletons, { recursive: true }));

export async function withEngine(body: (test: TestEngine) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'engine-'));
  const paths: Paths = { state: `${directory}/state`, run: `${directory}/run` };
  mkdirSync(`${paths.state}/exits`, { recursive: true });
  mkdirSync(paths.run);
  mkdirSync(imageDirectory(paths), { recursive: true });
  symlinkSync(skeletons, join(imageDirectory(paths), 'host'));
  const host = new RecordingHost(new RealHost());
  const record = host.perform.bind(host);
  const records = new Records(Database.open(':memory:').database);
  const engine = await Engine.start(host, paths, records);
  // What a machine with AppArmor is told first.
  host.take();
  const test: TestEngine = {
    engine,
    host,
    paths,
    directory,
    gate: async () => undefined,
    load: (text) => {
      writeFileSync(`${directory}/stack.yaml`, text);
      return { files: [], cwd: directory, env: {}, envFiles: [], profiles: [], services: [], projectName: 'probe' };
    },
  };
  const gated = async (ops: readonly HostOp[], signal?: AbortSignal): Promise<void> => {
    await test.gate(ops, signal);
    await record(ops);
  };
  host.perform = gated;
  try {
    await body(test);
  } finally {
    engine.close();
    rmSync(directory, { recursive: true });
  }
}
