import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kill } from '../../src/engine/kill.ts';
import { TsstackError } from '../../src/model/error.ts';
import { endContainer, runningContainer } from '../helpers/running.ts';
import { record, spec } from '../helpers/steps.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

const ALWAYS = { restart: { condition: 'always' as const } };

function signals({ host }: TestEngine): readonly number[] {
  return host.take().flatMap((op) => (op.op === 'kill' ? [op.signal] : []));
}

function stoppedByUser({ engine }: TestEngine, service: string): boolean | undefined {
  return engine.machine.records.container({ stack: 'demo', service, index: 1 })?.stoppedByUser;
}

test('kill() ends with SIGKILL, waits for the end, and no policy restarts what it killed', () =>
  withEngine(async (machine) => {
    const web = runningContainer(machine, 'web', ALWAYS);
    machine.gate = async (ops) => {
      if (ops.some(({ op }) => op === 'kill')) endContainer(machine, web, 137);
    };
    assert.deepEqual(await kill(machine.engine, 'demo', { services: [] }), ['demo-web-1']);
    assert.deepEqual(signals(machine), [9]);
    assert.equal(machine.engine.supervisor.runs(web.key), false);
    assert.deepEqual(machine.engine.supervisor.state(web.key), { health: 'none', runs: false, restarting: false });
    assert.equal(stoppedByUser(machine, 'web'), true);
  }));

test('kill() with another signal leaves the restart policy; the own stop signal is a wish to end', () =>
  withEngine(async (machine) => {
    runningContainer(machine, 'web', { ...ALWAYS, stopSignal: 'SIGQUIT' });
    for (const [signal, number, ends] of [
      ['HUP', 1, false],
      ['sigterm', 15, false],
      ['10', 10, false],
      ['QUIT', 3, true],
    ] as const) {
      await kill(machine.engine, 'demo', { services: ['web'], signal });
      assert.deepEqual(signals(machine), [number]);
      assert.equal(stoppedByUser(machine, 'web'), ends, signal);
    }
    const events = machine.engine.machine.records.events('demo', 0).filter(({ event }) => event === 'kill');
    assert.deepEqual(
      events.map(({ detail }) => detail),
      ['HUP', 'sigterm', '10', 'QUIT'],
    );
  }));

test('kill() leaves alone what does not run, and refuses what is no signal or no service', () =>
  withEngine(async (machine) => {
    machine.engine.machine.records.containers.put(record(spec('idle'), { run: 0 }));
    assert.deepEqual(await kill(machine.engine, 'demo', { services: [] }), []);
    assert.deepEqual(signals(machine), []);
    for (const options of [{ signal: 'BOOM' }, { signal: '0' }, { signal: '65' }, { services: ['wbe'] }]) {
      await assert.rejects(kill(machine.engine, 'demo', { services: [], ...options }), TsstackError);
    }
  }));
