import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Stack } from '../../src/model/stack.ts';
import {
  planDown,
  planRemove,
  planRestart,
  planStart,
  planStop,
  planUp,
  type UpOptions,
} from '../../src/planner/plan.ts';
import { renderPlan } from '../../src/planner/render.ts';
import { loadStack } from '../../src/spec/load.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, testImageKey } from '../helpers/stacks.ts';

/**
 * Every folder of `cases` is one: what `stack.yaml` makes of a machine on which `before.yaml` was brought up (if it is
 * there) and which `observed.json` then changed (a merge patch, RFC 7396, of `ObservedState`). `options.json` says what
 * is asked for. `plan.txt` is what must come out; UPDATE=1 writes it anew, to be read before it is committed.
 */
const CASES = join(import.meta.dirname, 'cases');

interface CaseOptions extends Partial<UpOptions> {
  readonly command?: 'up' | 'down' | 'stop' | 'start' | 'restart' | 'rm';
  readonly stop?: boolean;
  readonly removeVolumes?: boolean;
  readonly timeoutMs?: number;
  readonly profiles?: readonly string[];
  /** The file is loaded for the services that are named, as commands do. */
  readonly loadNamed?: boolean;
}

for (const name of readdirSync(CASES).sort()) {
  test(`plan: ${name.replaceAll('-', ' ')}`, () => {
    const text = planText(join(CASES, name));
    const file = join(CASES, name, 'plan.txt');
    if (process.env['UPDATE'] === '1') writeFileSync(file, text);
    assert.equal(text, existsSync(file) ? readFileSync(file, 'utf8') : '');
  });
}

function planText(directory: string): string {
  const options = readJson(directory, 'options.json') as CaseOptions;
  const observed = observedState(directory);
  const plan = planCommand(directory, observed, options);
  if (plan.conflicts.length === 0) applyPlan(observed, plan);
  return renderPlan(plan).replaceAll(`${directory}/`, './') + stepsText(plan);
}

function planCommand(directory: string, observed: ObservedState, options: CaseOptions): Plan {
  const { services = [], timeoutMs, removeVolumes = false } = options;
  switch (options.command) {
    case 'down':
      return planDown('demo', observed, { removeVolumes, services, ...(timeoutMs !== undefined && { timeoutMs }) });
    case 'stop':
      return planStop('demo', observed, services, timeoutMs);
    case 'start':
      return planStart('demo', observed, services);
    case 'restart':
      return planRestart('demo', observed, services, options);
    case 'rm':
      return planRemove('demo', observed, { services, stop: options.stop === true, removeVolumes });
    default:
      return planLoaded(load(directory, 'stack.yaml', options), observed, options);
  }
}

/** A source stands for its content. */
function planLoaded(stack: Stack, observed: ObservedState, options: CaseOptions): Plan {
  const contentHash: UpOptions['contentHash'] = ({ kind, source }) => {
    const { place: _, ...from } = (kind === 'config' ? stack.configs : stack.secrets)?.[source] ?? { place: '' };
    return JSON.stringify(from);
  };
  return planUp(stack, observed, { ...upOptions(options), contentHash });
}

function upOptions(options: CaseOptions): UpOptions {
  const none = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false };
  return { ...none, ...options, imageKey: testImageKey };
}

function observedState(directory: string): ObservedState {
  const patch = readJson(directory, 'observed.json');
  const images = (patch as Partial<ObservedState>).images ?? {};
  const empty: ObservedState = { ...EMPTY_STATE, images: { host: HOST_IMAGE, ...images } };
  if (!existsSync(join(directory, 'before.yaml'))) return merge(empty, patch) as ObservedState;
  const before = planLoaded(load(directory, 'before.yaml', { profiles: ['*'] }), empty, {});
  assert.deepEqual(before.conflicts, []);
  return merge(applyPlan(empty, before), patch) as ObservedState;
}

function load(
  directory: string,
  file: string,
  { profiles = [], services: named = [], loadNamed = false, allResources = false }: CaseOptions,
): Stack {
  const services = loadNamed ? named : [];
  const env = { COMPOSE_PROJECT_NAME: 'demo' };
  return loadStack({ files: [file], cwd: directory, env, envFiles: [], profiles, services, allResources }).stack;
}

function readJson(directory: string, file: string): object {
  const path = join(directory, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as object) : {};
}

/** RFC 7396, but that null stays: nothing is taken away. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) merged[key] = merge(merged[key], value);
  return merged;
}

function stepsText({ steps }: Plan): string {
  const lines = steps.map((step) => {
    const after = step.dependsOn.length === 0 ? '' : `  after ${step.dependsOn.join(', ')}`;
    const repair =
      step.type === 'update-container' && step.repair.length > 0 ? `  repair ${step.repair.join(', ')}` : '';
    const waits =
      step.type !== 'start-container' ? [] : step.waitFor.map(({ service, condition }) => `${service} ${condition}`);
    const wait = waits.length === 0 ? '' : `  wait for ${waits.join(', ')}`;
    const timeout = step.type === 'stop-container' ? `  within ${step.timeoutMs} ms` : '';
    return `${step.id}${repair}${timeout}${wait}${after}\n`;
  });
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}
