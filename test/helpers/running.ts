import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerSpec } from '../../src/model/container.ts';
import { containerPaths } from '../../src/store/paths.ts';
import { record, spec } from './steps.ts';
import type { TestEngine } from './test-engine.ts';

/** Records a container of the stack "demo" whose pid 1 is the process of this test. Nothing is ever done to that. */
export function runningContainer(
  { engine, paths }: TestEngine,
  service: string,
  changes: Partial<ContainerSpec> = {},
): ContainerSpec {
  const made = spec(service, { networkMode: { type: 'none' }, ...changes });
  const { records, bootId } = engine.machine;
  const { init } = containerPaths(paths, made.key);
  mkdirSync(dirname(init), { recursive: true });
  writeFileSync(init, readFileSync('/proc/self/stat'));
  records.containers.put(record(made, { bootId, startedAtMs: Date.now() }));
  engine.supervisor.started(made.key);
  return made;
}

/** Its pid 1 "ends" with this status. */
export function endContainer({ paths }: TestEngine, { key }: ContainerSpec, status: number): void {
  writeFileSync(containerPaths(paths, key).exit, `1 ${status}\n`);
}
