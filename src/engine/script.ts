import type { ContainerControl, ExecutorContext } from '../executor/context.ts';
import { performStep, SILENT } from '../executor/perform-step.ts';
import { prepareLaunch } from '../executor/start.ts';
import { RecordingHost } from '../host/recording-host.ts';
import { renderOperations } from '../host/script.ts';
import { rootFilesystem } from '../image/image.ts';
import type { Plan, Step } from '../model/plan.ts';
import { loadDefaultProfile } from '../runtime/apparmor-profile.ts';
import { Database } from '../store/database.ts';
import { Records } from '../store/records.ts';
import type { Engine } from './engine.ts';
import { awaitByHand, hooksByHand, stopByHand } from './script-by-hand.ts';

/** Nothing runs while a script is written. */
const NOBODY: ContainerControl = {
  waitFor: async () => undefined,
  settle: async () => undefined,
  runs: () => false,
  started: () => undefined,
  runHooks: async () => undefined,
  stop: async () => undefined,
  forget: async () => undefined,
  changed: () => undefined,
};

/**
 * A plan as a shell script that does the same by hand: the operations that the executor would perform, recorded
 * instead of done. What it makes is known to the next command, by the descriptions that it leaves.
 */
export async function planScript(engine: Engine, plan: Plan): Promise<string> {
  const host = new RecordingHost(engine.machine.host);
  const { database } = Database.open(':memory:');
  const records = new Records(database);
  for (const record of engine.machine.records.containers.all()) records.containers.put(record);
  for (const network of engine.machine.records.networks.all()) records.networks.put(network);
  for (const volume of engine.machine.records.volumes.all()) records.volumes.put(volume);
  // Nobody is told of what only is written down.
  const { serving: _nobody, ...machine } = engine.executorOf(plan);
  const context: ExecutorContext = {
    ...machine,
    host,
    records,
    control: NOBODY,
    emit: () => undefined,
  };
  const parts = [HEAD.replace('STACK', plan.stack), ...profileListing(plan, engine)];
  try {
    for (const step of plan.steps) {
      // Images are unpacked for real: the store is a cache, and the script needs its paths.
      const stepContext = step.type === 'unpack-image' ? { ...context, host: engine.machine.host } : context;
      await performStep(step, stepContext, { ...SILENT, signal: new AbortController().signal });
      parts.push(comment(step), ...(await launchListing(step, context)), ...(await byHand(step, context, host)), '');
    }
  } finally {
    records.close();
  }
  return `${parts.join('\n')}\n`;
}

/** The recorded operations, with what the supervisor does before and after them. */
async function byHand(step: Step, context: ExecutorContext, host: RecordingHost): Promise<readonly string[]> {
  const operations = renderOperations(host.take());
  const record = 'spec' in step ? context.records.container(step.spec.key) : undefined;
  if (record === undefined) return [operations];
  if (step.type === 'await-container') return [awaitByHand(context, step.spec), operations];
  if (step.type === 'start-container') return [operations, ...(await hooksByHand(context, record, 'postStart'))];
  if (step.type !== 'stop-container') return [operations];
  const hooks = await hooksByHand(context, record, 'preStop');
  return [...hooks, stopByHand(context, step.spec, step.timeoutMs), operations];
}

const HEAD = `#!/bin/sh
# What "tsstack up" does for stack "STACK", by hand, as root. Every line can be run alone.
# Afterwards "tsstack ps" shows it and "tsstack down" removes it.
set -eu
umask 022
`;

function comment(step: Step): string {
  const lines = [`# ${step.id}: ${step.cause}`];
  if (step.type === 'start-container') {
    for (const { service, condition } of step.waitFor) lines.push(`# begin when ${service} is there: ${condition}`);
  }
  // A name of the stack file may hold a line end, and this runs as root.
  return lines.map((line) => line.replaceAll(/\s/g, ' ')).join('\n');
}

/** The daemon, which has loaded it for containers, may have taken it away when this runs. */
function profileListing({ steps }: Plan, { machine }: Engine): readonly string[] {
  const operations = loadDefaultProfile(machine.kernel);
  if (operations.length === 0 || !steps.some(({ type }) => type === 'start-container')) return [];
  return ['# the AppArmor profile of containers', renderOperations(operations), ''];
}

/** The launcher is a program of a few kilobytes; what it does stands above it. */
async function launchListing(step: Step, context: ExecutorContext): Promise<readonly string[]> {
  if (step.type !== 'start-container') return [];
  const { source, id } = step.spec.image;
  const { listing } = prepareLaunch(context, step.spec, await rootFilesystem(context, source, id));
  return [
    '# the launcher makes these system calls:',
    ...listing
      .trimEnd()
      .split('\n')
      .map((line) => `#   ${line}`),
  ];
}
