import type { Dependency, Healthcheck, RestartPolicy } from '../../model/stack.ts';
import { durationMs } from '../duration.ts';
import { type Dict, isDict } from '../node.ts';
import { defined, dictAt, numberAt, textAt, textsAt } from './read.ts';

/** Docker's default between SIGTERM and SIGKILL (Compose specification, `stop_grace_period`). */
export const defaultStopGraceMs = 10_000;

/** `restart`, overridden by `deploy.restart_policy`. */
export function restartPolicy(service: Dict): RestartPolicy {
  const policy = dictAt(dictAt(service, 'deploy'), 'restart_policy');
  if (policy !== undefined) return deployPolicy(policy);
  const [condition, attempts] = (textAt(service, 'restart') ?? 'no').split(':');
  if (condition === 'on-failure') {
    return { condition, ...maxAttempts(Number(attempts ?? 0)) };
  }
  return { condition: condition === 'always' || condition === 'unless-stopped' ? condition : 'no' };
}

function deployPolicy(policy: Dict): RestartPolicy {
  const condition = textAt(policy, 'condition') ?? 'any';
  const delay = textAt(policy, 'delay');
  const window = textAt(policy, 'window');
  if (condition === 'none') return { condition: 'no' };
  return {
    condition: condition === 'on-failure' ? 'on-failure' : 'always',
    ...maxAttempts(numberAt(policy, 'max_attempts') ?? 0),
    ...(delay !== undefined && { delayMs: durationMs(delay) }),
    ...(window !== undefined && { windowMs: durationMs(window) }),
  };
}

/** 0 is no limit, as in Docker. */
function maxAttempts(attempts: number): Pick<RestartPolicy, 'maxAttempts'> {
  return attempts > 0 ? { maxAttempts: attempts } : {};
}

/**
 * The OCI runtime of a service: a program's name or absolute path; undefined: tsstack itself. Docker's names of containerd's
 * shims stand for what they call (`io.containerd.runc.v2`).
 */
export function ociRuntime(service: Dict): string | undefined {
  const written = textAt(service, 'runtime');
  if (written === undefined || written === '' || written === 'tsstack') return undefined;
  return /^io\.containerd\.([^.]+)\.v\d+$/.exec(written)?.[1] ?? written;
}

/** What the service says itself; 0 says nothing, as in Docker. */
export function healthcheck(service: Dict): Partial<Healthcheck> | undefined {
  const check = dictAt(service, 'healthcheck');
  if (check === undefined) return undefined;
  const written = textsAt(check, 'test');
  if (check['disable'] === true || written[0] === 'NONE') return { test: [] };
  const ms = (key: string): number | undefined => {
    const value = textAt(check, key);
    return value === undefined ? undefined : durationMs(value) || undefined;
  };
  return defined({
    test: written.length === 0 ? undefined : testArgv(written),
    intervalMs: ms('interval'),
    timeoutMs: ms('timeout'),
    retries: numberAt(check, 'retries') || undefined,
    startPeriodMs: ms('start_period'),
    startIntervalMs: ms('start_interval'),
  });
}

function testArgv(test: readonly string[]): string[] {
  return test[0] === 'CMD-SHELL' ? ['/bin/sh', '-c', test.slice(1).join(' ')] : test.slice(1);
}

/** Dependencies on services that are enabled; the schema has checked the conditions. */
export function dependencies(service: Dict, enabled: ReadonlySet<string>): Record<string, Dependency> {
  const result: Record<string, Dependency> = Object.create(null);
  for (const [name, dependency] of Object.entries(dictAt(service, 'depends_on') ?? {})) {
    if (!enabled.has(name) || !isDict(dependency)) continue;
    result[name] = {
      condition: textAt(dependency, 'condition') as Dependency['condition'],
      required: dependency['required'] !== false,
      restart: dependency['restart'] === true,
    };
  }
  return result;
}
