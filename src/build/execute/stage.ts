import { posix } from 'node:path';
import { platformFromText } from '../../image/platform.ts';
import type { Position } from '../../model/diagnostic.ts';
import { TsstackError } from '../../model/error.ts';
import { stepKey } from '../cache-key.ts';
import { Placement } from '../context/placement.ts';
import { NO_FILES, pathBytes, type ReadableTree, resolveIn } from '../context/tree.ts';
import { type Step as ExpandedStep, expandStep } from '../dockerfile/expand.ts';
import type { StageInstruction } from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parse.ts';
import { StageScope } from '../dockerfile/scope.ts';
import type { PlannedStage, Source } from '../dockerfile/stages.ts';
import { applyToConfig, environmentOf } from '../image-config.ts';
import { copiedEntries } from '../layer/copied-entries.ts';
import { addStep } from './add-step.ts';
import { copyStep, ownerOf } from './copy-step.ts';
import { describe } from './describe.ts';
import { FailedRunError } from './failed-run.ts';
import { layerOf, nowNs, treeOf } from './file-system.ts';
import { namedSource } from './named-source.ts';
import { perform, told } from './perform.ts';
import { runStep } from './run-step.ts';
import { chainOf, imageState, type StageState, scratchState, withConfig } from './state.ts';
import type { Step, Work } from './work.ts';

/** Instructions that may change files: those that are told of. */
const SHOWN = new Set(['run', 'copy', 'add', 'workdir']);

/** Executes one stage to its end. */
export async function buildStage(work: Work, planned: PlannedStage): Promise<StageState> {
  const stage = new StageBuilder(work, planned);
  return stage.build();
}

class StageBuilder {
  readonly #work: Work;
  readonly #planned: PlannedStage;
  readonly #count: number;
  #number = 0;

  constructor(work: Work, planned: PlannedStage) {
    this.#work = work;
    this.#planned = planned;
    this.#count = 1 + planned.stage.instructions.filter(({ type }) => SHOWN.has(type)).length;
  }

  async build(): Promise<StageState> {
    const { stage } = this.#planned;
    const base = await this.#base();
    const triggers = (base.config.OnBuild ?? []).map((expression) =>
      parseTrigger(expression, `ONBUILD of ${this.#planned.from.base}`),
    );
    // A CMD of the stage that it begins with is an inherited one.
    let state: StageState = { ...base, cmdSet: false, config: { ...base.config, OnBuild: null } };
    const scope = this.#scope(state);
    for (const instruction of [...triggers, ...stage.instructions]) {
      if (this.#work.signal.aborted) throw new TsstackError('cancelled', 'the build was cancelled');
      state = await this.#apply(state, instruction, scope);
    }
    return { ...state, variables: scope.runEnvironment().values };
  }

  async #base(): Promise<StageState> {
    const { from, base } = this.#planned;
    const step = this.#step(from.name === undefined ? `FROM ${from.base}` : `FROM ${from.base} AS ${from.name}`);
    if (base.type === 'stage') return this.#work.stage(base.index);
    return told(this.#work, step, async () => {
      try {
        return await this.#stateOf(base, from.platform);
      } catch (error) {
        throw placed(error, from.position);
      }
    });
  }

  async #stateOf(source: Source, platform: string | undefined): Promise<StageState> {
    const work = this.#work;
    const wanted = platform === undefined ? work.platform : platformFromText(platform);
    switch (source.type) {
      case 'scratch':
        return scratchState(wanted);
      case 'stage':
        return work.stage(source.index);
      case 'image': {
        const image = await work.machine.image(source.reference, wanted);
        return imageState(image, (digest) => work.machine.store.document({ digest }));
      }
      case 'context': {
        const found = await namedSource(work, source.name, wanted);
        if (found.type === 'state') return found.state;
        throw new TsstackError('build-failed', `FROM ${source.name}: this context is a directory, not an image`);
      }
    }
  }

  /** What COPY and a mount take from; absent: the context. */
  async #tree(from: string | undefined): Promise<ReadableTree> {
    if (from === undefined) return this.#work.context;
    const source = this.#planned.sources.get(from);
    if (source === undefined) throw new Error(`a source that was not planned: ${from}`);
    if (source.type === 'context') {
      const found = await namedSource(this.#work, source.name, this.#work.platform);
      if (found.type === 'tree') return found.tree;
      return treeOf(this.#work, found.state);
    }
    return treeOf(this.#work, await this.#stateOf(source, undefined));
  }

  #scope({ config, variables }: StageState): StageScope {
    const { given, globals, dockerfile } = this.#work;
    return new StageScope({
      given,
      globals,
      environment: environmentOf(config),
      ...(variables !== undefined && { variables }),
      escapeCharacter: dockerfile.escapeCharacter,
    });
  }

  async #apply(state: StageState, instruction: StageInstruction, scope: StageScope): Promise<StageState> {
    if (instruction.type === 'arg') {
      scope.declare(instruction);
      return withConfig(state, state.config, describe(instruction));
    }
    const { step } = expandStep(instruction, scope);
    try {
      return await this.#execute(state, step, scope);
    } catch (error) {
      throw placed(error, step.position);
    }
  }

  async #execute(state: StageState, expanded: ExpandedStep, scope: StageScope): Promise<StageState> {
    switch (expanded.type) {
      case 'run': {
        const trees = await Promise.all(expanded.mounts.map(({ from }) => this.#tree(from)));
        return runStep(this.#work, state, expanded, { step: this.#step(describe(expanded)), scope, trees });
      }
      case 'copy': {
        const tree = await this.#tree(expanded.from);
        return copyStep(this.#work, state, expanded, {
          parts: [{ tree, sources: expanded.sources }],
          step: this.#step(describe(expanded)),
        });
      }
      case 'add':
        return addStep(this.#work, state, expanded, this.#step(describe(expanded)));
      case 'workdir':
        return this.#workdir(state, expanded);
      case 'env':
        scope.setEnvironment(expanded.pairs);
        return this.#configure(state, expanded);
      case 'maintainer':
        return { ...withConfig(state, state.config, describe(expanded)), author: expanded.text };
      default:
        return this.#configure(state, expanded);
    }
  }

  #configure(state: StageState, step: ExpandedStep): StageState {
    const cmdSet = state.cmdSet || step.type === 'cmd';
    return { ...withConfig(state, applyToConfig(state.config, step, cmdSet), describe(step)), cmdSet };
  }

  /** It is made where it is not there, 0755 and of USER. */
  async #workdir(state: StageState, expanded: ExpandedStep & { readonly text: string }): Promise<StageState> {
    const config = applyToConfig(state.config, expanded, state.cmdSet);
    const path = posix.resolve('/', config.WorkingDir ?? '/');
    const user = config.User ?? '';
    const make = async () => {
      const tree = await treeOf(this.#work, state);
      const placement = new Placement(tree);
      const place = resolveIn(tree, pathBytes(path));
      if (place !== '') placement.makeDirectory(place);
      const owner = user === '' ? {} : { owner: await ownerOf(this.#work, tree, user) };
      return layerOf(this.#work, copiedEntries(placement.copied(), NO_FILES, { ...owner, nowNs: nowNs(this.#work) }));
    };
    const key = stepKey({
      parent: chainOf(state).at(-1) ?? '',
      step: { type: 'workdir', position: expanded.position, text: path },
      state: { user },
    });
    const next = await perform(this.#work, state, {
      step: this.#step(describe(expanded)),
      key,
      createdBy: describe(expanded),
      make,
    });
    return { ...next, config };
  }

  #step(text: string): Step {
    const { index, from } = this.#planned;
    this.#number += 1;
    return {
      id: `${index + 1}.${this.#number}`,
      stage: from.name ?? String(index),
      number: this.#number,
      count: Math.max(this.#count, this.#number),
      text,
    };
  }
}

/** Cancelled by somebody, or says its place itself. */
const UNPLACED = new Set(['cancelled', 'invalid-dockerfile']);

/** A step could not be done; its message begins with the step's place. */
class FailedStepError extends TsstackError {}

/** Where it stands is said once, by the innermost. */
function placed(error: unknown, { file, line }: Position): unknown {
  const isPlaced = error instanceof FailedStepError || error instanceof FailedRunError;
  if (!(error instanceof TsstackError) || isPlaced || UNPLACED.has(error.code)) return error;
  return new FailedStepError(error.code, `${file}:${line}: ${error.message}`, {
    hint: error.hint,
    details: error.details,
    cause: error.cause ?? error,
  });
}
