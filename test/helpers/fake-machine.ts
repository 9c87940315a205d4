import type { Cgroups } from '../../src/cgroup/cgroup.ts';
import type { ContainerControl, ExecutorContext } from '../../src/executor/context.ts';
import type { FileStat, RunResult, SupervisorHost } from '../../src/host/host.ts';
import type { HostOp } from '../../src/host/op.ts';
import { replicaName } from '../../src/model/address.ts';
import { Database } from '../../src/store/database.ts';
import type { Paths } from '../../src/store/paths.ts';
import { Records } from '../../src/store/records.ts';
import { FACTS } from './launch-config.ts';

const BLANK = { mode: 0, uid: 0, gid: 0, sizeBytes: 0, modifiedMs: 7, device: 0, inode: 0, rdev: 0 };

/** Called before each operation is done; what it throws is the operation's failure. */
export type Gate = (op: HostOp) => Promise<void> | void;

/** A machine of files in memory. Every operation is kept; only those on files do something. */
export class FakeHost implements SupervisorHost {
  readonly files = new Map<string, string>();
  readonly performed: HostOp[] = [];
  gate: Gate = () => undefined;

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
  }

  async perform(ops: readonly HostOp[], signal?: AbortSignal): Promise<void> {
    for (const op of ops) {
      signal?.throwIfAborted();
      await this.gate(op);
      this.performed.push(op);
      if (op.op === 'write-file' || op.op === 'write-in-place' || op.op === 'write-secret')
        this.files.set(op.path, String(op.data));
      if (op.op === 'remove' || op.op === 'remove-secrets') {
        const gone = op.op === 'remove' ? op.path : op.directory;
        for (const path of [...this.files.keys()]) {
          if (path === gone || path.startsWith(`${gone}/`)) this.files.delete(path);
        }
      }
    }
  }

  /** `ip link add …`, `nft`, `mkdir /path`: what was done since the last call, one line each. */
  take(): readonly string[] {
    return this.performed.splice(0).map(describe);
  }

  async run(): Promise<RunResult> {
    return { stdout: '', stderr: '', exitCode: 0 };
  }

  async probe(): Promise<never> {
    throw new Error('nothing is probed here');
  }

  watchDirectory(): void {}

  readText(path: string): string | undefined {
    return this.files.get(path);
  }

  readBytes(path: string): Uint8Array | undefined {
    const text = this.files.get(path);
    return text === undefined ? undefined : Buffer.from(text);
  }

  readDirectory(path: string): readonly string[] {
    const below = [...this.files.keys()].filter((file) => file.startsWith(`${path}/`));
    return [...new Set(below.map((file) => file.slice(path.length + 1).split('/')[0] ?? ''))].sort();
  }

  stat(path: string): FileStat | undefined {
    if (this.files.has(path)) return { ...BLANK, type: 'file' };
    return this.readDirectory(path).length > 0 ? { ...BLANK, type: 'directory' } : undefined;
  }

  readLink(): undefined {
    return undefined;
  }
}

function describe(op: HostOp): string {
  switch (op.op) {
    case 'ip':
      return `ip ${op.netns === undefined ? '' : `-n ${op.netns} `}${op.args.join(' ')}`;
    case 'tc':
      return `tc ${op.args.join(' ')}`;
    case 'nft':
      return `nft ${op.script.trim()}`;
    case 'run':
      return `run ${op.argv.join(' ')}`;
    case 'launch':
      return `launch ${op.script}`;
    case 'kill':
      return `kill ${op.pid}`;
    case 'remove-secrets':
      return `remove-secrets ${op.directory}`;
    case 'copy-into':
      return `copy-into ${op.target}`;
    default:
      return `${op.op} ${op.path}`;
  }
}

export const PATHS: Paths = { state: '/state', run: '/run/ts' };

/** Cgroups whose operations are directories and files below /cg. */
export function fakeCgroups(): Cgroups {
  const memory = (name: string, bytes: number | undefined): HostOp => ({
    op: 'write-in-place',
    path: `/cg/${name}/memory`,
    data: String(bytes ?? 'max'),
  });
  return {
    version: 2,
    create: (name, resources) => [{ op: 'mkdir', path: `/cg/${name}` }, memory(name, resources.memoryBytes)],
    update: (name, _before, after) => [memory(name, after.memoryBytes)],
    updateDevices: () => [],
    deviceProgramDirectory: (name) => `/cg/${name}`,
    remove: (name) => [{ op: 'rmdir', path: `/cg/${name}` }],
    procsFiles: (name) => [`/cg/${name}/cgroup.procs`],
    joinFiles: (name) => [`/cg/${name}/cgroup.procs`],
    processes: () => [],
    exists: () => true,
    usage: () => undefined,
    oomKills: () => 0,
    freeze: (name, frozen) => [{ op: 'write-in-place', path: `/cg/${name}/freeze`, data: frozen ? '1' : '0' }],
    frozen: () => false,
    drift: () => [],
    unsupportedResources: () => [],
  };
}

export interface FakeMachine {
  readonly host: FakeHost;
  readonly records: Records;
  readonly context: ExecutorContext;
  /** What the supervisor was asked: `stop web.1`, and every container event: `event start service.web[1]`. */
  readonly asked: string[];
  /** Overrides of the supervisor. */
  readonly control: { -readonly [Name in keyof ContainerControl]?: ContainerControl[Name] };
}

/** An empty machine on which containers of the image /images/busybox can be made. */
export function fakeMachine(files: Readonly<Record<string, string>> = {}): FakeMachine {
  const host = new FakeHost({ '/images/busybox/etc/passwd': '', '/etc/resolv.conf': 'nameserver 9.9.9.9\n', ...files });
  const records = new Records(Database.open(':memory:').database);
  const asked: string[] = [];
  const stopped = new Set<string>();
  const overrides: FakeMachine['control'] = {};
  const control: ContainerControl = {
    waitFor: async (...args) => {
      asked.push(`wait ${args[1].service}`);
      await overrides.waitFor?.(...args);
    },
    settle: async (...args) => {
      asked.push(`settle ${replicaName(args[0])}`);
      await overrides.settle?.(...args);
    },
    runs: (key) => !stopped.has(replicaName(key)),
    runHooks: async (...args) => {
      asked.push(`${args[1].kind} ${replicaName(args[0])}`);
      await overrides.runHooks?.(...args);
    },
    started: (key) => {
      stopped.delete(replicaName(key));
      asked.push(`started ${replicaName(key)}`);
    },
    stop: async (...args) => {
      asked.push(`stop ${replicaName(args[0])}`);
      await overrides.stop?.(...args);
      stopped.add(replicaName(args[0]));
    },
    forget: async (...args) => {
      asked.push(`forget ${replicaName(args[0])}`);
      await overrides.forget?.(...args);
      stopped.add(replicaName(args[0]));
    },
    changed: (key) => void asked.push(`changed ${replicaName(key)}`),
  };
  const context: ExecutorContext = {
    host,
    paths: PATHS,
    records,
    cgroups: fakeCgroups(),
    kernel: FACTS,
    bootId: 'boot',
    now: () => 1000,
    emit: ({ event, address }) => void asked.push(`event ${event} ${address}`),
    control,
  };
  return { host, records, context, asked, control: overrides };
}
