import { prepareExec } from '../executor/exec.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { Hook } from '../model/stack.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { signalNumber } from '../supervisor/stop-signal.ts';
import type { Engine } from './engine.ts';

type Machine = Pick<Engine['machine'], 'host' | 'paths' | 'cgroups' | 'kernel'>;

/** What the supervisor does around a start and a stop, as lines for a POSIX shell: the hooks of a container that runs. */
export async function hooksByHand(
  machine: Machine,
  record: ContainerRecord,
  kind: 'postStart' | 'preStop',
): Promise<readonly string[]> {
  const { directory, init } = containerPaths(machine.paths, record.key);
  const hooks = record.spec[kind] ?? [];
  if (hooks.length === 0) return [];
  const link = shellQuote(`${directory}/proc`);
  const parts = await Promise.all(hooks.map((hook, index) => hookByHand(machine, record, { hook, kind, index })));
  return [`ln -sfn "/proc/$(cut -d ' ' -f 1 ${shellQuote(init)})" ${link}`, ...parts.flat(), `rm ${link}`];
}

/** Waits for the status of a container, which must be 0. */
export function awaitByHand({ paths }: Pick<Machine, 'paths'>, spec: ContainerSpec): string {
  const { exit, log } = containerPaths(paths, spec.key);
  const file = shellQuote(exit);
  return [
    `while [ ! -s ${file} ]; do sleep 0.1; done`,
    `[ "$(cut -d ' ' -f 2 ${file})" = 0 ] || { tail ${shellQuote(log)} >&2; exit 1; }`,
  ].join('\n');
}

/** Asks pid 1 to end, and kills it when its time is over. */
export function stopByHand({ paths }: Pick<Machine, 'paths'>, spec: ContainerSpec, timeoutMs: number): string {
  const tries = Math.ceil(timeoutMs / 100);
  return [
    `pid=$(cut -d ' ' -f 1 ${shellQuote(containerPaths(paths, spec.key).init)})`,
    `kill -${signalNumber(spec.stopSignal)} "$pid" 2>/dev/null || :`,
    `tries=0; while kill -0 "$pid" 2>/dev/null && [ $tries -lt ${tries} ]; do sleep 0.1; tries=$((tries+1)); done`,
    'kill -9 "$pid" 2>/dev/null || :',
  ].join('\n');
}

async function hookByHand(
  machine: Machine,
  record: ContainerRecord,
  { hook, kind, index }: { readonly hook: Hook; readonly kind: 'postStart' | 'preStop'; readonly index: number },
): Promise<readonly string[]> {
  const { directory, log } = containerPaths(machine.paths, record.key);
  const exec = await prepareExec(machine, record, `${directory}/proc`, hook);
  const file = shellQuote(`${directory}/hook`);
  const name = kind === 'preStop' ? 'pre_stop' : 'post_start';
  return [
    `# ${name}[${index}]: ${hook.argv.map(shellQuote).join(' ').replaceAll(/\s/g, ' ')}`,
    `base64 -d > ${file} <<'END'`,
    Buffer.from(exec.launcher).toString('base64').replace(/.{76}/g, '$&\n'),
    'END',
    `chmod 700 ${file}`,
    `( exec 3<${file}; rm ${file}; exec ${exec.argv.map(shellQuote).join(' ')} ) </dev/null >>${shellQuote(log)} 2>&1`,
  ];
}
