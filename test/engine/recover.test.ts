import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recoverRecords } from '../../src/engine/recover.ts';
import { execute } from '../../src/executor/execute.ts';
import type { Step } from '../../src/model/plan.ts';
import { Database } from '../../src/store/database.ts';
import { Records } from '../../src/store/records.ts';
import { type FakeMachine, fakeMachine, PATHS } from '../helpers/fake-machine.ts';
import { containerStep, endpoint, network, networkStep, plan, spec } from '../helpers/steps.ts';

const VOLUME = { stack: 'demo', key: 'data', name: 'demo_data', driver: 'local', driverOptions: {}, labels: {} };
const DIRECTORY = '/state/stacks/demo/containers/web.1';

/** A machine on which a network, a volume and a running container were made. */
async function madeMachine(): Promise<FakeMachine> {
  const machine = fakeMachine();
  const web = spec('web');
  const steps: readonly Step[] = [
    networkStep('create-network', network('net')),
    {
      type: 'create-volume',
      id: 'create volume',
      address: 'volume.data' as never,
      cause: 'test',
      dependsOn: [],
      volume: VOLUME,
    },
    { ...containerStep('create-container', web), endpoints: [endpoint('net', 2)] } as Step,
    containerStep('start-container', web, 'create web'),
  ];
  await execute(plan(steps), machine.context, {
    signal: new AbortController().signal,
    concurrency: 1,
    onFailure: 'undo',
    progress: () => undefined,
  });
  return machine;
}

function recovered(
  machine: FakeMachine,
  bootId = 'now',
  records = new Records(Database.open(':memory:').database),
): Records {
  recoverRecords(machine.host, PATHS, records, bootId);
  return records;
}

test('records that were lost are found again from what lies on the machine', async () => {
  const machine = await madeMachine();
  const before = machine.records.container(spec('web').key);
  const records = recovered(machine);
  assert.deepEqual(records.networks.all(), machine.records.networks.all());
  assert.deepEqual(records.volumes.all(), [VOLUME]);
  const { createdAtMs: _, ...rest } = before ?? assert.fail();
  assert.deepEqual(records.containers.all(), [{ ...rest, createdAtMs: 7 }]);
});

test('a container that was made and never started is found as one', async () => {
  const machine = await madeMachine();
  machine.host.files.delete(`${DIRECTORY}/run.json`);
  assert.equal(recovered(machine).container(spec('web').key)?.run, 0);
});

test('a run that knows no boot, made by a script, is of this one', async () => {
  const machine = await madeMachine();
  machine.host.files.set(`${DIRECTORY}/run.json`, '{"run":1}');
  const found = recovered(machine, 'this boot').container(spec('web').key);
  assert.deepEqual([found?.run, found?.bootId], [1, 'this boot']);
});

test('descriptions that were cut short describe nothing, and the others are found all the same', async () => {
  for (const text of ['', '{"spec":', '\0\0\0', 'null', '1']) {
    const machine = await madeMachine();
    for (const [path] of machine.host.files) {
      if (/(container|volume)\.json$/.test(path)) machine.host.files.set(path, text);
    }
    const records = recovered(machine);
    assert.deepEqual(
      [records.containers.size, records.volumes.size, records.networks.size],
      [0, 0, 1],
      JSON.stringify(text),
    );
  }
});

test('what is recorded is not overwritten by what lies there', async () => {
  const machine = await madeMachine();
  machine.records.updateContainer(spec('web').key, { restarts: 5 });
  recovered(machine, 'now', machine.records);
  assert.equal(machine.records.container(spec('web').key)?.restarts, 5);
});

test('names that are none of ours are passed over', async () => {
  const machine = await madeMachine();
  machine.host.files.set('/state/stacks/NOT A STACK/containers/web.1/container.json', '{}');
  machine.host.files.set('/state/stacks/demo/containers/web/container.json', '{}');
  assert.equal(recovered(machine).containers.size, 1);
});
