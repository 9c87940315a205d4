import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { printableLines } from '../../lib/printable-lines.ts';
import { shellQuote } from '../../lib/shell-quote.ts';
import { DEFAULT_PATH } from '../../model/default-path.ts';
import { TsstackError } from '../../model/error.ts';

export interface GitOptions {
  /** The repository (GIT_DIR). */
  readonly directory: string;
  readonly workTree: string;
  readonly remote: string;
  /** A directory of our own: HOME, and where git is started. */
  readonly scratch: string;
  readonly sshAgent?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

interface RunOptions {
  readonly allowFailure?: boolean;
  /** Before there is a repository. */
  readonly outside?: boolean;
  /** Takes the output instead of it being collected. Throws to end the program. */
  readonly take?: (chunk: Buffer) => void;
}

/** What of the caller's variables gets to git. */
const PASSED = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'ssl_cert_file',
  'ssl_cert_dir',
  'git_ssl_cainfo',
];
const MAX_OUTPUT = 32 * 2 ** 20;
const TIMEOUT_MS = 30 * 60_000;

/** What would run something, ask somebody, or fetch what is not wanted. */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'credential.helper': '',
  'submodule.recurse': 'false',
  'fetch.recurseSubmodules': 'false',
  'transfer.bundleURI': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'init.defaultBranch': 'main',
  'advice.detachedHead': 'false',
  // Less than a byte a second for a minute: silence.
  'http.lowSpeedLimit': '1',
  'http.lowSpeedTime': '60',
};

/** git(1) on one repository. The remote's URL, which may hold secrets, is in the environment and not in the arguments. */
export class Git {
  readonly directory: string;
  readonly #options: GitOptions;

  constructor(options: GitOptions) {
    this.#options = options;
    this.directory = options.directory;
  }

  static withoutUser(remote: string): string {
    return remote.replace(/^(https?:\/\/)[^/@]*@/i, '$1');
  }

  /** What it prints. Throws `build-failed` with what it complains of, `missing-tool`, `cancelled`. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { signal, scratch, remote } = this.#options;
    if (signal.aborted) throw cancelled();
    const child = spawn('git', args, {
      cwd: scratch,
      env: this.#environment(options.outside === true),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what git starts (git-remote-https, ssh) ends with it.
      detached: true,
    });
    const kill = (): void => {
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    };
    signal.addEventListener('abort', kill, { once: true });
    const timer = setTimeout(kill, TIMEOUT_MS);
    const closed = once(child, 'close').catch((error: unknown) => [error]);
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4000);
    });
    try {
      const output = await collect(child.stdout as AsyncIterable<Buffer>, options.take);
      const [status] = (await closed) as [unknown];
      if (signal.aborted) throw cancelled();
      if (status instanceof Error) throw notStarted(status);
      if (status !== 0 && options.allowFailure !== true) throw gitFailed(remote, args, complaint);
      return output;
    } finally {
      kill();
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
      await closed;
    }
  }

  #environment(outside: boolean): Record<string, string> {
    const { directory, workTree, remote, scratch, env, sshAgent } = this.#options;
    const settings = Object.entries({ ...SETTINGS, 'remote.origin.url': remote });
    const passed = Object.entries(env).filter(([name]) => PASSED.includes(name.toLowerCase()));
    return {
      ...Object.fromEntries(passed),
      PATH: DEFAULT_PATH,
      LC_ALL: 'C',
      HOME: scratch,
      ...(outside ? { GIT_CEILING_DIRECTORIES: parent(scratch) } : { GIT_DIR: directory, GIT_WORK_TREE: workTree }),
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      // Never what lies on this machine (file), nor a program (ext), whatever sends us there.
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
      GIT_SSH_VARIANT: 'ssh',
      GIT_SSH_COMMAND: sshCommand(scratch, env['HOME'], sshAgent),
      GIT_CONFIG_COUNT: `${settings.length}`,
      ...Object.fromEntries(
        settings.flatMap(([key, value], index) => [
          [`GIT_CONFIG_KEY_${index}`, key],
          [`GIT_CONFIG_VALUE_${index}`, value],
        ]),
      ),
    };
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Only the agent's keys. Hosts that the caller knows must be who they were; others are taken as they come, as by BuildKit. */
function sshCommand(scratch: string, home: string | undefined, agent: string | undefined): string {
  const known = [`${scratch}/known_hosts`, ...(home === undefined || home === '' ? [] : [`${home}/.ssh/known_hosts`])];
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'accept-new',
    UserKnownHostsFile: known.map((path) => `"${path.replaceAll('%', '%%')}"`).join(' '),
    IdentityFile: 'none',
    IdentityAgent: agent === undefined ? 'none' : `"${agent.replaceAll('%', '%%')}"`,
    ConnectTimeout: '15',
    ServerAliveInterval: '15',
    ForwardAgent: 'no',
  };
  const list = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['ssh', '-F', '/dev/null', ...list].map(shellQuote).join(' ');
}

async function collect(stream: AsyncIterable<Buffer>, take: RunOptions['take']): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (take !== undefined) take(chunk);
    else {
      length += chunk.length;
      if (length > MAX_OUTPUT) throw new TsstackError('build-failed', `git says more than ${MAX_OUTPUT} bytes`);
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks).toString('latin1');
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function cancelled(): TsstackError {
  return new TsstackError('cancelled', 'fetching from git was cancelled');
}

function notStarted(error: Error): TsstackError {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return new TsstackError('missing-tool', 'git is not installed', { hint: 'Run: apt-get install git' });
  }
  return new TsstackError('command-failed', `Cannot run git: ${error.message}`, { cause: error });
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /terminal prompts disabled|Authentication failed|could not read (?:Username|Password)/,
    'The repository is not there, or not for everybody; a URL may have USER:TOKEN@ in front of its host.',
  ],
  [/Permission denied \(|publickey/, 'Give the build an SSH agent that has a key for it (build.ssh: default).'],
  [
    /Host key verification failed|HOST IDENTIFICATION HAS CHANGED/,
    'Another machine answers than the one in known_hosts.',
  ],
  [/cannot run ssh/, 'Run: apt-get install openssh-client'],
];

function gitFailed(remote: string, args: readonly string[], complaint: string): TsstackError {
  const said = complaint.replaceAll(/\/\/[^/@\s]*@/g, '//');
  const details = printableLines(said, 10);
  const last = details.findLast((line) => /^(?:fatal|error|remote):/.test(line)) ?? details.at(-1) ?? 'no reason given';
  const hint = HINTS.find(([pattern]) => pattern.test(said))?.[1];
  return new TsstackError('build-failed', `Cannot fetch ${Git.withoutUser(remote)}: git ${args[0]}: ${last}`, {
    hint,
    details,
  });
}
