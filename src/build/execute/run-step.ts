import { posix } from 'node:path';
import { printableLines } from '../../lib/printable-lines.ts';
import { sourceExcerpt } from '../../lib/source-excerpt.ts';
import { DEFAULT_PATH } from '../../model/default-path.ts';
import type { Position } from '../../model/diagnostic.ts';
import { TsstackError } from '../../model/error.ts';
import { stepKey } from '../cache-key.ts';
import { parentPaths, pathBytes, type ReadableTree, type SourceTree } from '../context/tree.ts';
import type { Step as ExpandedStep } from '../dockerfile/expand.ts';
import { type Command, script } from '../dockerfile/instruction.ts';
import type { RunMount } from '../dockerfile/mount.ts';
import type { StageScope } from '../dockerfile/scope.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import { describe, describeRun } from './describe.ts';
import { FailedRunError } from './failed-run.ts';
import { emptyFileSystem, type FileSystem, fileSystemOf, layerOf, treeOf } from './file-system.ts';
import { perform } from './perform.ts';
import { type Mounted, mountAll, prepareMount } from './run-mounts.ts';
import { chainOf, type StageState } from './state.ts';
import type { RunFile, RunRequest, Step, Work } from './work.ts';

export type RunStep = ExpandedStep & { readonly type: 'run' };

const SHELL = ['/bin/sh', '-c'];
/** Of what a program wrote that failed: characters that are kept, and lines that are shown. */
const KEPT_OUTPUT = 64 * 1024;
const SHOWN_LINES = 20;
/** A script of its own, that begins with `#!`. */
const SCRIPT_DIRECTORY = '/run/tsstack';

export interface RunContext {
  readonly step: Step;
  readonly scope: StageScope;
  /** Of each mount, in their order. */
  readonly trees: readonly ReadableTree[];
}

/** Runs a program on the layers so far; what it changes is the next one. */
export async function runStep(work: Work, state: StageState, run: RunStep, context: RunContext): Promise<StageState> {
  checkEntitlements(work, run);
  const { step, scope, trees } = context;
  const { values, proxies } = scope.runEnvironment();
  const { User = '', WorkingDir = '/', Shell = SHELL } = state.config;
  const prepared = await Promise.all(
    run.mounts.map((mount, number) =>
      prepareMount(work, placedIn(WorkingDir, mount), { tree: trees[number] ?? work.context, number }),
    ),
  );
  const shell = Shell ?? SHELL;
  const network = run.network === 'default' ? work.build.network : run.network;
  const { build } = work;
  const key = stepKey({
    parent: chainOf(state).at(-1) ?? '',
    step: run,
    environment: values,
    files: prepared.flatMap(({ files }) => files),
    state: {
      ...{ User, WorkingDir, shell, network, platform: state.platform },
      ...{ extraHosts: build.extraHosts, privileged: build.privileged },
    },
  });
  const make = async () => {
    const seen = (await fileSystemOf(work.machine, state.layers, work.signal)) ?? (await emptyFileSystem(work));
    const mounted = await mountAll(prepared);
    try {
      return await execute(work, {
        run,
        step,
        state,
        shell,
        network,
        seen,
        mounted,
        env: withDefaults(values, proxies),
      });
    } finally {
      mounted.release();
    }
  };
  return perform(work, state, { step, key, createdBy: `${describeRun(run.command, shell)} # buildkit`, make });
}

/** A relative target begins at the working directory. */
function placedIn(workingDir: string, mount: RunMount): RunMount {
  return mount.target === undefined ? mount : { ...mount, target: posix.resolve('/', workingDir, mount.target) };
}

interface Execution {
  readonly run: RunStep;
  readonly step: Step;
  readonly state: StageState;
  readonly shell: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly seen: FileSystem;
  readonly mounted: Mounted;
  readonly env: ReadonlyMap<string, string>;
}

async function execute(work: Work, execution: Execution): Promise<Awaited<ReturnType<typeof layerOf>>> {
  const { run, step, state, shell, network, seen, mounted, env } = execution;
  const before = await treeOf(work, state);
  const program = programOf(run.command, shell);
  let last = '';
  const request = {
    chainId: seen.chainId,
    argv: withVariables(program.argv, mounted.variables),
    env: new Map([...env, ...mounted.env]),
    user: state.config.User ?? '',
    workingDir: state.config.WorkingDir ?? '/',
    network,
    privileged: work.build.privileged || run.security === 'insecure',
    mounts: mounted.mounts,
    files: [...mounted.files, ...program.files],
    build: work.build,
    output: (text: string) => {
      last = (last + text).slice(-KEPT_OUTPUT);
      work.progress.output(step, text);
    },
    signal: work.signal,
  };
  return work.machine.run(request, async ({ exitCode, oomKilled }, changes) => {
    const layer = async () => layerOf(work, withoutOurs(await changes(), request, before));
    if (exitCode === 0) return layer();
    const kept = work.keepFailed ? await layer() : undefined;
    throw new FailedRunError({
      run: describe(run),
      position: run.position,
      exitCode,
      oomKilled,
      details: [...printableLines(last, SHOWN_LINES), ...excerptOf(work, run.position)],
      ...(work.keepFailed && { state: { ...state, layers: [...state.layers, ...(kept === undefined ? [] : [kept])] } }),
      env: request.env,
    });
  });
}

/** What every program finds in /etc. */
const ETC_FILES = ['etc/hosts', 'etc/resolv.conf'];

/** Directories that are there only because something is mounted in them, where the program has put nothing beside it. */
function withoutOurs(
  entries: readonly LayerEntry[],
  { mounts, files }: Pick<RunRequest, 'mounts' | 'files'>,
  before: SourceTree,
): readonly LayerEntry[] {
  const targets = [
    ...ETC_FILES,
    ...[...mounts, ...files].map(({ target }) => pathBytes(posix.normalize(target)).slice(1)),
  ];
  const parents = new Set(targets.flatMap((target) => [target, ...parentPaths(target)]));
  const used = new Set(
    entries
      .filter(({ path, type }) => type !== 'directory' || !parents.has(path))
      .flatMap(({ path }) => parentPaths(path)),
  );
  return entries.filter(({ path }) => !parents.has(path) || used.has(path) || before.entry(path) !== undefined);
}

interface Program {
  readonly argv: readonly string[];
  readonly files: readonly RunFile[];
}

function programOf(command: Command, shell: readonly string[]): Program {
  if (command.form === 'exec') return { argv: command.argv, files: [] };
  const written = script(command);
  if (written.type === 'shell') return { argv: [...shell, written.line], files: [] };
  const target = `${SCRIPT_DIRECTORY}/${written.name.replaceAll('/', '_')}`;
  const content = { type: 'content', content: written.content, place: 'RUN' } as const;
  const file = { target, content, uid: 0, gid: 0, mode: 0o755, secret: false };
  return { argv: [target], files: [file] };
}

/** A variable with a secret is read in the container: what a container is made from is kept on the disk. */
function withVariables(argv: readonly string[], variables: ReadonlyMap<string, string>): readonly string[] {
  if (variables.size === 0) return argv;
  // The point keeps line breaks at the end of a value.
  const reads = [...variables].map(([name, path]) => `${name}=$(cat ${path}; echo .); export ${name}="\${${name}%.}"`);
  return ['/bin/sh', '-c', `${reads.join('; ')}; exec "$@"`, 'sh', ...argv];
}

function withDefaults(
  values: ReadonlyMap<string, string>,
  proxies: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map([['PATH', DEFAULT_PATH], ...values, ...proxies]);
}

/** The lines of the Dockerfile around it; of a trigger of the base image there are none. */
function excerptOf({ file, text }: Work, { file: place, line, end }: Position): readonly string[] {
  return place === file ? [`${file}:${line}`, ...sourceExcerpt(text, line, end.line)] : [];
}

function checkEntitlements({ build }: Work, { network, security }: RunStep): void {
  const needed = [
    ...(network === 'host' && build.network !== 'host' ? ['network.host'] : []),
    ...(security === 'insecure' && !build.privileged ? ['security.insecure'] : []),
  ].filter((each) => !build.entitlements.includes(each));
  const [first] = needed;
  if (first === undefined) return;
  throw new TsstackError('build-failed', `the RUN asks for ${first}, which the build does not have`, {
    hint: `Write "entitlements: [${first}]" below build in the stack file`,
  });
}
