import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listContainers } from '../../src/engine/containers.ts';
import { kill } from '../../src/engine/kill.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import { until } from '../helpers/run.ts';
import { endContainer, runningContainer } from '../helpers/running.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

const ONCE_MORE = { restart: { condition: 'on-failure' as const, delayMs: 60_000 } };

function status({ engine }: TestEngine, service: string): string | undefined {
  return listContainers(engine, 'demo', [service], true)[0]?.observed.status;
}

function recorded({ engine }: TestEngine, { key }: ContainerSpec): number | undefined {
  return engine.machine.records.container(key)?.exitCode;
}

test('an end is seen when it is decided what comes of it: one that is started again is never seen as exited', () =>
  withEngine(async (machine) => {
    const again = runningContainer(machine, 'again', ONCE_MORE);
    const done = runningContainer(machine, 'done');
    const seen = new Set<string | undefined>();
    endContainer(machine, again, 1);
    endContainer(machine, done, 0);
    await until('both ends to be dealt with', async () => {
      seen.add(status(machine, 'again'));
      return seen.has('restarting') && status(machine, 'done') === 'exited';
    });
    assert.deepEqual([...seen], ['running', 'restarting']);
  }));

test('stop() and kill() of one whose end nobody has dealt with yet leave it ended, with its status, for good', () =>
  withEngine(async (machine) => {
    const stopped = runningContainer(machine, 'stopped', ONCE_MORE);
    endContainer(machine, stopped, 3);
    await machine.engine.supervisor.stop(stopped.key, 0);
    assert.deepEqual([status(machine, 'stopped'), recorded(machine, stopped)], ['exited', 3]);
    const killed = runningContainer(machine, 'killed', ONCE_MORE);
    endContainer(machine, killed, 4);
    await kill(machine.engine, 'demo', { services: ['killed'] });
    assert.deepEqual([status(machine, 'killed'), recorded(machine, killed)], ['exited', 4]);
  }));
