import type { ContainerSpec } from '../model/container.ts';
import type { Step, StepId } from '../model/plan.ts';
import type { ImageSource } from '../model/stack.ts';
import { addressOf } from './draft.ts';
import { preStartSpec } from './pre-start.ts';
import { stepId } from './step-id.ts';

type Start = Step & { readonly type: 'start-container' };

interface Request {
  /** Whether the container was never started: only then is there something to prepare. */
  readonly isFresh: (spec: ContainerSpec) => boolean;
  /** Services of which a replica runs and goes on: what is run once for all has been run for them. */
  readonly running: ReadonlySet<string>;
  /** Steps by which an image is there. */
  readonly unpacked: (source: ImageSource) => StepId;
}

/**
 * The starts, and before those of new containers what their `preStart` says: each container is created, started, waited
 * for and removed, in order. What is run once is run for the replica with the lowest number, and all wait for it.
 */
export function withPreStart(starts: readonly Start[], request: Request): readonly Step[] {
  const fresh = starts.filter(({ spec }) => spec.preStart !== undefined && request.isFresh(spec));
  if (fresh.length === 0) return starts;
  const after = new Map(fresh.map((start) => [start.id, [] as StepId[]]));
  const groups = Map.groupBy(fresh, ({ spec }) => spec.key.service);
  const steps = [...groups.values()].flatMap((group) => serviceSteps(group, after, request));
  return [
    ...steps,
    ...starts.map((start) => ({ ...start, dependsOn: [...start.dependsOn, ...(after.get(start.id) ?? [])] })),
  ];
}

/** `after`: by start, what comes before it so far. */
function serviceSteps(group: readonly Start[], after: Map<StepId, StepId[]>, request: Request): readonly Step[] {
  const starts = [...group].sort((left, right) => left.spec.key.index - right.spec.key.index);
  const [first] = starts;
  const most = Math.max(...starts.map(({ spec }) => spec.preStart?.length ?? 0));
  return Array.from({ length: most }, (_, index) => index).flatMap((index) =>
    starts.flatMap((start) => {
      const hook = start.spec.preStart?.[index];
      if (hook === undefined) return [];
      if (!hook.perReplica && (start !== first || request.running.has(start.spec.key.service))) return [];
      const spec = preStartSpec(start.spec, hook, index);
      const steps = hookSteps(start, spec, { ...request, shared: !hook.perReplica, before: after.get(start.id) ?? [] });
      for (const each of hook.perReplica ? [start] : starts) after.get(each.id)?.push(stepId('clear', addressOf(spec)));
      return steps;
    }),
  );
}

interface Hook extends Pick<Request, 'unpacked'> {
  /** All replicas wait for it: it is of no replica's rolling update. */
  readonly shared: boolean;
  readonly before: readonly StepId[];
}

function hookSteps(start: Start, spec: ContainerSpec, { shared, before, unpacked }: Hook): readonly Step[] {
  const address = addressOf(spec);
  const cause = `runs before ${start.address} starts`;
  const update = shared || start.update === undefined ? {} : { update: start.update, replica: start.address };
  const base = (verb: string, dependsOn: readonly StepId[]) => {
    return { id: stepId(verb, address), address, cause, dependsOn, ...update, spec };
  };
  const made = ['create', 'update', 'remove'].map((verb) => stepId(verb, verb === 'remove' ? address : start.address));
  const bare = { endpoints: [], ports: [] };
  return [
    { ...base('create', [...before, ...made, unpacked(spec.image.source)]), ...bare, type: 'create-container' },
    {
      ...base('start', [...start.dependsOn, stepId('create', address)]),
      type: 'start-container',
      waitFor: start.waitFor,
    },
    { ...base('await', [stepId('start', address)]), type: 'await-container' },
    { ...base('clear', [stepId('await', address)]), ...bare, type: 'remove-container', keepVolumes: true },
  ];
}
