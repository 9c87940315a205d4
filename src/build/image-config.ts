import { posix } from 'node:path';
import type { Step } from './dockerfile/expand.ts';
import { type Command, type Healthcheck, script } from './dockerfile/instruction.ts';
import type { Values } from './dockerfile/scope.ts';

/** The `config` member of an image's configuration (OCI image-spec config.md, with Docker's members), as far as it is changed. */
export interface RunDocument {
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Healthcheck?: object | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[] | null;
}

const SHELL = ['/bin/sh', '-c'];
const NS_PER_MS = 1_000_000;

/**
 * What an instruction (expanded) makes of the configuration; one that changes files alone leaves it as it is. An
 * ENTRYPOINT takes away the CMD of the base image, as in BuildKit: `cmdSet` says that the CMD is the file's own.
 */
export function applyToConfig(config: RunDocument, step: Step, cmdSet: boolean): RunDocument {
  switch (step.type) {
    case 'env':
      return { ...config, Env: withEnvironment(config.Env ?? [], step.pairs) };
    case 'label':
      return {
        ...config,
        Labels: { ...config.Labels, ...Object.fromEntries(step.pairs.map((pair) => [pair.name, pair.value])) },
      };
    case 'cmd':
      return { ...config, Cmd: argvOf(step.command, config) };
    case 'entrypoint':
      return { ...config, Entrypoint: argvOf(step.command, config), ...(!cmdSet && { Cmd: null }) };
    case 'expose':
      return {
        ...config,
        ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(step.ports.flatMap(portKeys)) },
      };
    case 'volume':
      return { ...config, Volumes: { ...config.Volumes, ...Object.fromEntries(step.paths.map((path) => [path, {}])) } };
    case 'user':
      return { ...config, User: step.text };
    case 'workdir':
      return { ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '/', step.text) };
    case 'stopsignal':
      return { ...config, StopSignal: step.text };
    case 'healthcheck':
      return { ...config, Healthcheck: healthcheckOf(step, config) };
    case 'onbuild':
      return { ...config, OnBuild: [...(config.OnBuild ?? []), step.expression] };
    case 'shell':
      return { ...config, Shell: step.argv };
    default:
      return config;
  }
}

/** The environment that a configuration gives, by name; a word without `=` has no value. */
export function environmentOf({ Env }: Pick<RunDocument, 'Env'>): Values {
  return new Map(
    (Env ?? []).map((entry): [string, string] => {
      const equals = entry.indexOf('=');
      return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

function withEnvironment(env: readonly string[], pairs: readonly { name: string; value: string }[]): readonly string[] {
  const values = new Map(env.map((entry) => [entry.slice(0, Math.max(entry.indexOf('='), 0)), entry]));
  for (const { name, value } of pairs) values.set(name, `${name}=${value}`);
  return [...values.values()];
}

function argvOf(command: Command, { Shell }: RunDocument): readonly string[] {
  if (command.form === 'exec') return command.argv;
  const { heredocs } = command;
  const line = heredocs.length === 0 ? command.line : shellLine(command);
  return [...(Shell ?? SHELL), line];
}

function shellLine(command: Extract<Command, { form: 'shell' }>): string {
  const written = script(command);
  return written.type === 'shell' ? written.line : written.content;
}

/** `80`, `80/udp`, `8000-8002`. */
function portKeys(port: string): readonly (readonly [string, object])[] {
  const [range = '', protocol = 'tcp'] = port.split('/');
  const [first = 0, last = first] = range.split('-').map(Number);
  const ports = Array.from({ length: Math.max(last - first + 1, 0) }, (_, offset) => first + offset);
  return ports.map((each) => [`${each}/${protocol}`, {}] as const);
}

function healthcheckOf(check: Healthcheck, config: RunDocument): object {
  if (check.command === undefined) return { Test: ['NONE'] };
  const test =
    check.command.form === 'exec'
      ? ['CMD', ...check.command.argv]
      : ['CMD-SHELL', argvOf(check.command, config).at(-1)];
  const times = (
    [
      ['Interval', check.intervalMs],
      ['Timeout', check.timeoutMs],
      ['StartPeriod', check.startPeriodMs],
      ['StartInterval', check.startIntervalMs],
    ] as const
  ).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms * NS_PER_MS] as const]));
  return {
    Test: test,
    ...Object.fromEntries(times),
    ...(check.retries !== undefined && { Retries: check.retries }),
  };
}
