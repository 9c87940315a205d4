import { type ExecuteOptions, execute } from '../executor/execute.ts';
import { containerAddress, replicaName } from '../model/address.ts';
import { reportError } from '../model/error.ts';
import type { Plan } from '../model/plan.ts';
import { observe } from '../observe/observe.ts';
import { planNetworksAgain, planRevive } from '../planner/revive.ts';
import type { ContainerRecord } from '../store/records.ts';
import { comesBack } from '../supervisor/restart.ts';
import type { Engine } from './engine.ts';

/**
 * After the machine was restarted: starts what restart policies promise, on networks that are made again first, of all
 * stacks, since a container may be on another stack's. Commands for these stacks wait until it is done. What cannot be
 * started is left, and told as an event.
 */
export async function revive(engine: Engine): Promise<void> {
  const { records, bootId } = engine.machine;
  const lost = records.containers.all().filter((record) => record.bootId !== bootId && comesBack(record));
  if (lost.length === 0) return;
  await engine.whileBusy(async () => {
    const networks = owners(engine, lost).map((stack) =>
      onStack(engine, stack, () => reviveNetworks(engine, stack, lost)),
    );
    const containers = [...Map.groupBy(lost, ({ key }) => key.stack)].map(([stack, own]) =>
      onStack(engine, stack, async () => {
        await Promise.all(networks);
        await reviveContainers(engine, stack, own);
      }),
    );
    await Promise.all(containers);
  });
}

/** Stacks that own a network which one of these containers is on. */
function owners({ machine: { records } }: Engine, containers: readonly ContainerRecord[]): readonly string[] {
  const names = new Set(containers.flatMap(({ endpoints }) => endpoints.map(({ networkName }) => networkName)));
  return [...new Set([...names].flatMap((name) => records.networks.get(name)?.stack ?? []))];
}

/** A stack that cannot be looked at must not keep the others from coming back. */
async function onStack(engine: Engine, stack: string, work: () => Promise<void>): Promise<void> {
  await engine.stacks.run(stack, work).catch((error: unknown) => {
    process.stderr.write(`Stack ${stack} after the restart of the machine: ${reportError(error).message}\n`);
  });
}

async function reviveNetworks(engine: Engine, stack: string, users: readonly ContainerRecord[]): Promise<void> {
  await carryOut(engine, planNetworksAgain(stack, await observe(engine.observer, stack), users));
}

async function reviveContainers(engine: Engine, stack: string, own: readonly ContainerRecord[]): Promise<void> {
  const promised = new Set(own.map(({ key }) => replicaName(key)));
  await carryOut(engine, planRevive(stack, await observe(engine.observer, stack), promised));
}

async function carryOut(engine: Engine, plan: Plan): Promise<void> {
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  const progress: ExecuteOptions['progress'] = (event) => {
    const step = event.type === 'step-failed' ? steps.get(event.step) : undefined;
    if (event.type !== 'step-failed' || step === undefined || !('spec' in step)) return;
    const { service, index } = step.spec.key;
    const detail = `not after the restart of the machine: ${event.error.message}`;
    engine.machine.emit({ stack: plan.stack, address: containerAddress(service, index), event: 'start', detail });
  };
  const signal = new AbortController().signal;
  await execute(plan, engine.executor, { signal, progress, concurrency: engine.concurrency, onFailure: 'continue' });
}
