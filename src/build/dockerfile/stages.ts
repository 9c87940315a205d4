import { didYouMean } from '../../lib/nearest.ts';
import type { Diagnostic, Position } from '../../model/diagnostic.ts';
import { InvalidDockerfileError, TsstackError } from '../../model/error.ts';
import { expandFrom } from './expand.ts';
import type { From, Stage } from './instruction.ts';
import { mountFrom } from './mount.ts';
import type { Dockerfile } from './parse.ts';
import { errorAt } from './problems.ts';
import type { Values } from './scope.ts';

/** Where a stage begins, or where COPY and a mount take files from. */
export type Source =
  | { readonly type: 'stage'; readonly index: number }
  | { readonly type: 'image'; readonly reference: string; readonly platform?: string }
  /** Of the build's additional contexts. */
  | { readonly type: 'context'; readonly name: string }
  | { readonly type: 'scratch' };

/** A stage that the target needs. */
export interface PlannedStage {
  /** Its place in the file, from 0. */
  readonly index: number;
  readonly stage: Stage;
  /** Expanded. */
  readonly from: From;
  readonly base: Source;
  /** What each `from` in its instructions stands for. */
  readonly sources: ReadonlyMap<string, Source>;
  /** Indices of the stages that must be there first, ascending. */
  readonly needs: readonly number[];
}

export interface StagePlan {
  /** In the order of the file, which has each behind what it needs. The last one is the target. */
  readonly stages: readonly PlannedStage[];
  readonly target: PlannedStage;
}

export interface PlanOptions {
  /** A stage by name or number; absent: the last. */
  readonly target?: string;
  /** What `globalArguments()` gave. */
  readonly globals: Values;
  /** Names of the additional contexts: each hides a stage or image of that name. */
  readonly contexts: ReadonlySet<string>;
}

/** Which stages are to be built. Throws `invalid-dockerfile`, and `not-found` for an unknown target. */
export function planStages(dockerfile: Dockerfile, options: PlanOptions): StagePlan {
  const targetIndex = findTarget(dockerfile, options.target);
  const problems: Diagnostic[] = [];
  const planned = new Map<number, PlannedStage>();
  const wanted = [targetIndex];
  for (let index = wanted.pop(); index !== undefined; index = wanted.pop()) {
    if (planned.has(index)) continue;
    const stage = dockerfile.stages[index];
    if (stage === undefined) continue;
    const found = planStage(stage, index, { ...options, dockerfile, problems });
    planned.set(index, found);
    wanted.push(...found.needs);
  }
  const stages = [...planned.values()].sort((left, right) => left.index - right.index);
  const target = planned.get(targetIndex);
  if (problems.length > 0 || target === undefined) throw new InvalidDockerfileError(sorted(problems));
  return { stages, target };
}

interface Work extends PlanOptions {
  readonly dockerfile: Dockerfile;
  readonly problems: Diagnostic[];
}

function planStage(stage: Stage, index: number, work: Work): PlannedStage {
  const from = expandFrom(stage.from, work.globals, work.dockerfile.escapeCharacter);
  const base = baseOf(from, index, work);
  const sources = new Map<string, Source>();
  for (const { name, position } of references(stage)) {
    if (sources.has(name)) continue;
    const source = sourceOf({ name, position }, index, work);
    if (source !== undefined) sources.set(name, source);
  }
  const needs = new Set([base, ...sources.values()].flatMap((each) => (each.type === 'stage' ? [each.index] : [])));
  return { index, stage, from, base, sources, needs: [...needs].sort((left, right) => left - right) };
}

/** A later stage of the name is no base: as in BuildKit the name is then an image's. */
function baseOf({ base, platform, position }: From, index: number, work: Work): Source {
  if (work.contexts.has(base)) return { type: 'context', name: base };
  const earlier = stageNamed(work.dockerfile, base, index);
  if (earlier !== undefined) return { type: 'stage', index: earlier };
  if (base === 'scratch') return { type: 'scratch' };
  if (base === '')
    work.problems.push(
      errorAt(
        position,
        'FROM names no image: its variable is empty',
        'Give it with build.args, or a default: ARG NAME=VALUE before FROM',
      ),
    );
  return { type: 'image', reference: base, ...(platform !== undefined && platform !== '' && { platform }) };
}

interface Reference {
  readonly name: string;
  readonly position: Position;
}

function references({ instructions }: Stage): readonly Reference[] {
  return instructions.flatMap((instruction) => {
    const { position } = instruction;
    if (instruction.type === 'copy') {
      return instruction.from === undefined ? [] : [{ name: instruction.from, position }];
    }
    if (instruction.type !== 'run') return [];
    return instruction.mounts.flatMap((text) => {
      const name = mountFrom(text);
      return name === undefined ? [] : [{ name, position }];
    });
  });
}

/** undefined: it is wrong, and among the problems now. */
function sourceOf({ name, position }: Reference, index: number, work: Work): Source | undefined {
  const { contexts, dockerfile, problems } = work;
  if (contexts.has(name)) return { type: 'context', name };
  const { stages } = dockerfile;
  const found = /^[0-9]{1,9}$/.test(name)
    ? Number(name)
    : (stageNamed(dockerfile, name, index) ?? stageNamed(dockerfile, name));
  if (found === undefined) return name === 'scratch' ? { type: 'scratch' } : { type: 'image', reference: name };
  if (found < index) return { type: 'stage', index: found };
  const what = JSON.stringify(name);
  if (found >= stages.length) {
    const hint = `There are ${stages.length}, counted from 0`;
    problems.push(errorAt(position, `there is no stage ${what}`, hint));
  } else if (found === index) problems.push(errorAt(position, `the stage ${what} takes files from itself`));
  else {
    const place = stages[found]?.from.position.line;
    problems.push(errorAt(position, `the stage ${what} comes later, in line ${place}`, 'Move it before this one'));
  }
  return undefined;
}

/** The last one of a name that lies before `limit`. */
function stageNamed({ stages }: Dockerfile, name: string, limit = stages.length): number | undefined {
  const found = stages.slice(0, limit).findLastIndex(({ from }) => from.name === name.toLowerCase());
  return found === -1 ? undefined : found;
}

function findTarget(dockerfile: Dockerfile, target: string | undefined): number {
  const { stages } = dockerfile;
  if (target === undefined || target === '') return stages.length - 1;
  const found = stageNamed(dockerfile, target) ?? (/^[0-9]{1,9}$/.test(target) ? Number(target) : undefined);
  if (found !== undefined && found < stages.length) return found;
  const names = stages.flatMap(({ from }) => from.name ?? []);
  const hint =
    didYouMean(target, names) ?? (names.length === 0 ? 'No stage has a name' : `There are ${names.join(', ')}`);
  throw new TsstackError('not-found', `The Dockerfile has no stage ${JSON.stringify(target)}`, { hint });
}

function sorted(problems: readonly Diagnostic[]): readonly Diagnostic[] {
  return problems.toSorted((left, right) => (left.position?.line ?? 0) - (right.position?.line ?? 0));
}
