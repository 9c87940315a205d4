import type { BuildWish } from '../engine/build/images-to-build.ts';
import type { PullWish } from '../engine/pull.ts';
import { TsstackError } from '../model/error.ts';
import type { LoadRequest } from '../spec/load.ts';
import { loadStack } from '../spec/load.ts';
import type { StackSelector } from './api.ts';

/** A request body whose members are taken out one by one, each with its type. Throws `usage` for what is not of it. */
export class Body {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrong('body', 'an object');
    this.#members = value as Readonly<Record<string, unknown>>;
  }

  flag(name: string): boolean {
    const value = this.#members[name] ?? false;
    if (typeof value !== 'boolean') throw wrong(name, 'true or false');
    return value;
  }

  text(name: string): string {
    const value = this.#members[name];
    if (typeof value !== 'string') throw wrong(name, 'a string');
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#members[name] === undefined ? undefined : this.text(name);
  }

  /** 0 or more. */
  optionalNumber(name: string): number | undefined {
    const value = this.#members[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(name, 'a number, 0 or more');
    return value;
  }

  /** Of any sign. */
  optionalInteger(name: string): number | undefined {
    const value = this.#members[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong(name, 'a whole number');
    return value;
  }

  texts(name: string): readonly string[] {
    const value = this.#members[name] ?? [];
    if (!Array.isArray(value) || value.some((each) => typeof each !== 'string')) throw wrong(name, 'a list of strings');
    return value as readonly string[];
  }

  textMap(name: string): Readonly<Record<string, string>> {
    const value = this.#members[name] ?? {};
    const map = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!map || Object.values(value).some((each) => typeof each !== 'string')) throw wrong(name, 'a map of strings');
    return value as Readonly<Record<string, string>>;
  }

  numberMap(name: string): Readonly<Record<string, number>> {
    const value = this.#members[name] ?? {};
    const map = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!map || Object.values(value).some((each) => typeof each !== 'number')) throw wrong(name, 'a map of numbers');
    return value as Readonly<Record<string, number>>;
  }

  body(name: string): Body {
    return new Body(this.#members[name]);
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined;
  }
}

function wrong(name: string, what: string): TsstackError {
  return new TsstackError('usage', `The request's "${name}" is not ${what}`);
}

export function parseLoad(body: Body): LoadRequest {
  const projectName = body.optionalText('projectName');
  const projectDirectory = body.optionalText('projectDirectory');
  const stdin = body.optionalText('stdin');
  return {
    files: body.texts('files'),
    cwd: body.text('cwd'),
    env: body.textMap('env'),
    envFiles: body.texts('envFiles'),
    profiles: body.texts('profiles'),
    services: body.texts('services'),
    scale: body.numberMap('scale'),
    allResources: body.flag('allResources'),
    ...(projectName !== undefined && { projectName }),
    ...(projectDirectory !== undefined && { projectDirectory }),
    ...(stdin !== undefined && { stdin }),
  };
}

export function parseSelector(body: Body): StackSelector {
  return body.has('load') ? { load: parseLoad(body.body('load')) } : { stack: stackName(body.text('stack')) };
}

/** The name of the stack that a request is about. */
export function selectStack(selector: StackSelector): string {
  return 'stack' in selector ? selector.stack : loadStack(selector.load).stack.name;
}

export function stackName(name: string): string {
  if (/^[a-z0-9][a-z0-9_-]*$/.test(name)) return name;
  throw new TsstackError('usage', `"${name}" is no stack name: it holds lower-case letters, digits, "-" and "_"`);
}

/** `pull` of a request: what is asked of pulling. Throws `usage`. */
export function parsePull(body: Body, name = 'pull'): PullWish {
  const wish = body.optionalText(name) ?? 'policy';
  const found = (['always', 'missing', 'never', 'policy'] as const).find((each) => each === wish);
  if (found === undefined) throw wrong(name, 'always, missing, never or policy');
  return found;
}

/** `build` and `noBuild` of a request. Throws `usage`. */
export function parseBuildWish(body: Body): BuildWish {
  if (body.flag('noBuild')) return 'never';
  return body.flag('build') ? 'always' : 'missing';
}
