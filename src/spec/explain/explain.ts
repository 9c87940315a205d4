import type { Position } from '../../model/diagnostic.ts';
import { scopeAt } from '../canonical/context.ts';
import { Diagnostics } from '../diagnose.ts';
import { type Inside, type LoadRequest, type LoadResult, loadStack } from '../load.ts';
import { type Dict, dict, isDict, nodeAt, type Path, type Value } from '../node.ts';
import { resolveServiceFiles } from '../service-env.ts';
import { type Origin, positionOf } from '../source.ts';
import { Trail } from '../trail.ts';
import { type Implied, impliedBy, isLeftOpen } from './implied.ts';
import { type Found, layersOf, type Reached, type Rule, reach, writtenPath } from './layers.ts';
import { findTarget, leavesOf, parsePath, pathText, type Target } from './path.ts';
import { type Variable, variableNamed, variablesIn } from './variables.ts';

/** Values below one path that are explained; the rest is counted. */
const mostLeaves = 200;

/** A value of the canonical model, and why it is what it is. */
export interface Explanation {
  readonly path: string;
  readonly value: Value;
  /** Of a service with profiles. */
  readonly profile?: ServiceProfile;
  /** The value itself, or every one that it is made of. */
  readonly values: readonly ExplainedValue[];
  /** How many more there are. */
  readonly more: number;
}

export interface ServiceProfile {
  readonly service: string;
  readonly enabled: boolean;
  /** Each would enable it. */
  readonly profiles: readonly string[];
  /** Those of them that do; empty when it is off, or on because the command names it. */
  readonly active: readonly string[];
  /** COMPOSE_PROFILES, when that names them and not `--profile`. */
  readonly variable?: UsedVariable;
}

export interface ExplainedValue {
  readonly path: string;
  readonly value: Value;
  /** Whether a file says it. */
  readonly rule: 'written' | Implied['rule'];
  /** Of what is not written: why it is there; may be empty. */
  readonly note: string;
  /** What the files say, the winner first; of what is not written, what it follows from. */
  readonly sources: readonly Contribution[];
}

/** What one place of a file says about a value. */
export interface Contribution {
  readonly position: Position;
  /** As written. */
  readonly text: string;
  /** By what it came here from elsewhere. */
  readonly by: readonly { readonly rule: Rule; readonly position?: Position }[];
  /** Why it hides the next; absent for the last. */
  readonly over?: Rule;
  readonly variables: readonly UsedVariable[];
}

export interface UsedVariable extends Omit<Variable, 'origin'> {
  /** Of a variable from a file. */
  readonly position?: Position;
}

/** A stack that was loaded to be explained. */
export interface Explainable {
  readonly result: LoadResult;
  /**
   * Explains what a path of the canonical model holds, of services that are off, too. Throws `usage` for a path that is
   * not there.
   */
  readonly explain: (path: string) => Explanation;
}

/** Loads a stack and keeps how it came about. Throws `InvalidStackError`, `no-stack-file`. */
export function loadExplainable(request: LoadRequest): Explainable {
  const trail = new Trail();
  let inside: Inside | undefined;
  const result = loadStack(request, new Diagnostics(trail), (each) => {
    inside = each;
  });
  if (inside === undefined) throw new Error('a stack was loaded without being made');
  const explainer = new Explainer(request, trail, { inside, result });
  return { result, explain: (path) => explainer.explain(path) };
}

class Explainer {
  readonly #request: LoadRequest;
  readonly #trail: Trail;
  readonly #inside: Inside;
  readonly #result: LoadResult;
  /** With the services that are off. */
  readonly #model: Dict;

  constructor(request: LoadRequest, trail: Trail, { inside, result }: { inside: Inside; result: LoadResult }) {
    this.#request = request;
    this.#trail = trail;
    this.#inside = inside;
    this.#result = result;
    const enabled = result.model['services'] as Dict;
    const off = Object.entries(inside.all).filter(([name]) => !Object.hasOwn(enabled, name));
    resolveServiceFiles(Object.assign(dict(), Object.fromEntries(off)), inside.context);
    this.#model = Object.assign(dict(), result.model as Dict, { services: inside.all });
  }

  explain(text: string): Explanation {
    const words = parsePath(text);
    // Services that are off are there for who asks for one.
    const model = words.length > 1 ? this.#model : (this.#result.model as Dict);
    const target = findTarget(model, words, (path) => this.#notCanonical(path));
    const { leaves, more } = leavesOf(target, mostLeaves);
    const profile = this.#profile(target);
    return {
      path: pathText(target.path),
      value: target.values.at(-1) ?? null,
      ...(profile !== undefined && { profile }),
      values: leaves.map((leaf) => this.#explained(leaf)),
      more,
    };
  }

  /** A hint for what is written, but not in the canonical model. */
  #notCanonical(path: Path): string | undefined {
    const { root } = this.#inside.context;
    const node = nodeAt(root, path);
    if (node === undefined) return undefined;
    const { file, line } = positionOf(node);
    return `It is written at ${file}:${line}, but "tsstack config" has no such key: its effect, if any, is in others`;
  }

  #profile({ path: [section, name], values }: Target): ServiceProfile | undefined {
    const service = section === 'services' && typeof name === 'string' ? values[2] : undefined;
    const own = isDict(service) ? service['profiles'] : undefined;
    if (!Array.isArray(own)) return undefined;
    const { disabled, profiles: asked, context } = this.#inside;
    const profiles = own.map(String);
    const active = asked.includes('*') ? ['*'] : profiles.filter((profile) => asked.includes(profile));
    const fromVariable = active.length > 0 && this.#request.profiles.length === 0;
    return {
      service: String(name),
      enabled: !disabled.includes(String(name)),
      profiles,
      active,
      ...(fromVariable && {
        variable: toUsed(variableNamed('COMPOSE_PROFILES', context.scope.lookup, this.#sources)),
      }),
    };
  }

  #explained(target: Target): ExplainedValue {
    const value = target.values.at(-1) ?? null;
    const shown = { path: pathText(target.path), value };
    const { root } = this.#inside.context;
    if (target.path.length === 1 && target.path[0] === 'name') return { ...shown, ...this.#stackName(target) };
    const written = writtenPath(target, this.#inside.context.places);
    const reached = reach(root, written, target.values);
    const lines = this.#fileLines(target.path);
    const short = reached.node.kind === 'scalar' && reached.node.value !== null;
    const said = reached.rest.length === 0 || short;
    const found = said ? layersOf(root, reached, this.#trail) : [];
    const all = withLines(found, lines);
    if (all.length === 0)
      return { ...shown, ...this.#implied(impliedBy(target.path, this.#model, this.#inside.context)) };
    const open = this.#leftOpen(target, reached, found);
    if (open !== undefined) return { ...shown, ...this.#implied(open) };
    const telling = all.filter((each, index) => index === 0 || !isOpen(target, each));
    const sources = telling.map((each) => this.#shown(each));
    const [first, ...rest] = sources;
    const bare = first === undefined ? undefined : this.#bareName(target.path, first, written);
    return { ...shown, rule: 'written', note: '', sources: bare === undefined ? sources : [bare, ...rest] };
  }

  /** A default that stands beside what a short form says. */
  #leftOpen(target: Target, { rest }: Reached, [winner]: readonly Found[]): Implied | undefined {
    if (rest.length === 0 || winner === undefined || !isOpen(target, winner)) return undefined;
    return { rule: 'default', note: 'the short form leaves it open', origin: winner.origin };
  }

  #implied({ rule, note, origin }: Implied): Pick<ExplainedValue, 'rule' | 'note' | 'sources'> {
    return { rule, note, sources: origin === undefined ? [] : [this.#shown({ origin, by: [], short: false })] };
  }

  /** What the environment or label files of the service say, the one that won last first. */
  #fileLines([section, name, key, variable]: Path): readonly Found[] {
    if (section !== 'services' || (key !== 'environment' && key !== 'labels')) return [];
    const rule = key === 'labels' ? 'label_file' : 'env_file';
    const values = this.#trail.serviceFilesOf(String(name), key);
    const lines = this.#trail.definitionsOf(values, String(variable)).toReversed();
    return lines.map((origin, index) => ({
      origin,
      by: [{ rule }],
      short: false,
      ...(index < lines.length - 1 && { over: rule }),
    }));
  }

  #stackName(target: Target): Pick<ExplainedValue, 'rule' | 'note' | 'sources'> {
    const { context } = this.#inside;
    const { projectName, env } = this.#request;
    if (projectName) return { rule: 'implied', note: 'by -p', sources: [] };
    const lines = this.#trail.definitionsOf(this.#trail.projectFiles, 'COMPOSE_PROJECT_NAME');
    const inEnvironment = Object.hasOwn(env, 'COMPOSE_PROJECT_NAME');
    if (inEnvironment ? env['COMPOSE_PROJECT_NAME'] : lines.length > 0) {
      const note = `by COMPOSE_PROJECT_NAME${inEnvironment ? ' of the environment' : ''}`;
      return this.#implied({ rule: 'implied', note, origin: inEnvironment ? undefined : lines.at(-1) });
    }
    const reached = reach(context.root, target.path, target.values);
    if (reached.rest.length > 0)
      return { rule: 'default', note: `the directory ${context.scope.project}`, sources: [] };
    const sources = layersOf(context.root, reached, this.#trail).map((each) => this.#shown(each));
    return { rule: 'written', note: '', sources };
  }

  /** A name without a value takes the caller's. */
  #bareName(path: Path, source: Contribution, written: Path): Contribution | undefined {
    const name = String(path.at(-1));
    const isVariable = path.at(-2) === 'environment' || (path.at(-2) === 'args' && path.at(-3) === 'build');
    const said = source.text.replace(/^["']|["']$/g, '').replace(/\s*:\s*(null|~)?$/, '');
    if (!isVariable || (said !== name && said !== '' && said !== 'null' && said !== '~')) return undefined;
    if (source.by.some(({ rule }) => rule === 'env_file')) return undefined;
    const { lookup } = scopeAt(this.#inside.context, () => written);
    return { ...source, variables: [toUsed(variableNamed(name, lookup, this.#sources))] };
  }

  get #sources() {
    return { trail: this.#trail, env: this.#request.env };
  }

  #shown({ origin, by, over }: Found): Contribution {
    const { source } = origin;
    const text = source.text.slice(origin.start, origin.end).trim();
    const lookup = source.scope?.lookup;
    return {
      position: positionOf(origin),
      text,
      by: by.map(({ rule, at }) => ({ rule, ...(at !== undefined && { position: positionOf(at) }) })),
      ...(over !== undefined && { over }),
      variables: lookup === undefined ? [] : variablesIn(text, lookup, this.#sources).map(toUsed),
    };
  }
}

function withLines(found: readonly Found[], lines: readonly Found[]): readonly Found[] {
  const last = found.at(-1);
  const [first] = lines;
  const rule = first?.by[0]?.rule;
  return last === undefined || rule === undefined
    ? [...found, ...lines]
    : [...found.slice(0, -1), { ...last, over: rule }, ...lines];
}

function isOpen({ path, values }: Target, { origin, short }: Found): boolean {
  const text = origin.source.text.slice(origin.start, origin.end);
  return short && isLeftOpen(path, values.at(-1) ?? null, text);
}

function toUsed({ origin, ...variable }: Variable): UsedVariable {
  return { ...variable, ...(origin !== undefined && { position: positionOf(origin as Origin) }) };
}
