import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRigRunning, PEERS, PEERS_WORK } from './rig.ts';
import { command, median, ROOT, repeat, TSSTACK } from './timing.ts';

/** One tool that can be asked to do a workload on the stack of `services` services. */
export interface Tool {
  readonly name: string;
  readonly argv: (services: number, args: readonly string[]) => readonly string[];
  /** `config ARGS` on a larger file with more in each service. */
  readonly configArgv: (kind: ConfigKind, services: number, args: readonly string[]) => readonly string[];
  readonly execArgs: readonly string[];
  /** Milliseconds that the way to the tool costs, which are taken off. */
  readonly overheadMs: number;
}

export interface Sizes {
  readonly sizes: readonly number[];
  readonly configSizes: readonly number[];
}

export function prepareOurs(scratch: string, { sizes, configSizes }: Sizes): Tool {
  writeConfigs(scratch, configSizes);
  for (const services of new Set([...sizes, 1])) {
    writeStack(join(scratch, `bench-${services}.yaml`), services, `x-rootfs: ${ROOT}/examples/rootfs/build/rootfs`);
  }
  return {
    name: 'tsstack',
    argv: (services, args) => [TSSTACK, '-f', join(scratch, `bench-${services}.yaml`), ...args],
    configArgv: (kind, services, args) => [TSSTACK, '-f', join(scratch, configName(kind, services)), 'config', ...args],
    execArgs: ['exec'],
    overheadMs: 0,
  };
}

/** Docker Compose in the peers rig; undefined, with a word on standard error, when the rig is not running. */
export function preparePeer({ sizes, configSizes }: Sizes): Tool | undefined {
  const enter = join(PEERS, 'peers-exec');
  if (!isRigRunning()) {
    console.error(`bench: Docker is not measured: ${PEERS}/setup-peers has not been run`);
    return undefined;
  }
  mkdirSync(join(PEERS_WORK, 'tsstack-bench-config'), { recursive: true });
  writeConfigs(join(PEERS_WORK, 'tsstack-bench-config'), configSizes);
  for (const services of sizes) {
    mkdirSync(join(PEERS_WORK, `tsstack-bench-${services}`), { recursive: true });
    writeStack(join(PEERS_WORK, `tsstack-bench-${services}/compose.yaml`), services, 'image: peers/busybox');
  }
  return {
    name: 'docker compose',
    argv: (services, args) => {
      const file = `/peers/tsstack-bench-${services}/compose.yaml`;
      return [enter, 'docker', 'compose', '--progress', 'quiet', '-f', file, ...args];
    },
    configArgv: (kind, services, args) => {
      const file = `/peers/tsstack-bench-config/${configName(kind, services)}`;
      return [enter, 'docker', 'compose', '-f', file, 'config', ...args];
    },
    execArgs: ['exec', '-T'],
    overheadMs: median(repeat(15, () => command([enter, 'true']))),
  };
}

/** What the services of a file say: `plain`, an image and a command; `linked`, what a user's file adds to that. */
export type ConfigKind = 'plain' | 'linked';

function configName(kind: ConfigKind, services: number): string {
  return `config-${kind}-${services}.yaml`;
}

function writeConfigs(directory: string, sizes: readonly number[]): void {
  for (const services of sizes) {
    for (const [kind, lines] of Object.entries(CONFIGS)) {
      const entries = Array.from({ length: services }, (_, index) => `  s${index}:\n${lines(index)}`);
      const file = join(directory, configName(kind as ConfigKind, services));
      writeFileSync(file, `name: tsstack-bench-config\nservices:\n${entries.join('')}`);
    }
  }
}

/** Ten thousand of each are within the limit of values of a file. */
const CONFIGS: Readonly<Record<ConfigKind, (index: number) => string>> = {
  plain: () => '    image: busybox\n    command: sleep infinity\n',
  linked: (index) =>
    [
      '    image: busybox',
      '    environment: {LEVEL: info}',
      `    ports: ["${1 + index}:80"]`,
      `    depends_on: [${index === 0 ? '' : `s${index - 1}`}]`,
      '',
    ].join('\n'),
};

/** `stop_signal: SIGKILL`, since Docker would wait for ten seconds for a `sleep` that is PID 1. */
function writeStack(path: string, services: number, source: string): void {
  const entries = Array.from(
    { length: services },
    (_, index) => `  s${index}: {${source}, command: [sleep, infinity], stop_signal: SIGKILL}\n`,
  );
  writeFileSync(path, `name: tsstack-bench-${services}\nservices:\n${entries.join('')}`);
}
