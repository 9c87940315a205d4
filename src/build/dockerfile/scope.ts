import type { Arg, Pair } from './instruction.ts';
import type { Dockerfile } from './parse.ts';
import { atPosition } from './problems.ts';
import { expandWord, type Lookup } from './words.ts';

/** Values of variables by name. */
export type Values = ReadonlyMap<string, string>;

/** RUN gets these without ARG when they are given, and a step's key does not depend on them then (Dockerfile reference). */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
export const PREDEFINED: ReadonlySet<string> = new Set(PROXIES.flatMap((name) => [name, name.toLowerCase()]));

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** What FROM sees without ARG, and a stage with an ARG that gives no default: BUILDPLATFORM, TARGETARCH and so on. */
export function automaticArguments(build: Platform, target: Platform, stage = 'default'): Values {
  const of = (prefix: string, { os, architecture, variant = '' }: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, [os, architecture, ...(variant === '' ? [] : [variant])].join('/')],
    [`${prefix}OS`, os],
    [`${prefix}OSVERSION`, ''],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant],
  ];
  return new Map([...of('BUILD', build), ...of('TARGET', target), ['TARGETSTAGE', stage]]);
}

/**
 * The arguments before the first FROM: `automatic` ones, replaced by those `given` of the same name, and each ARG with
 * what was given or else its default. Throws `invalid-dockerfile`.
 */
export function globalArguments({ globals, escapeCharacter }: Dockerfile, given: Values, automatic: Values): Values {
  const values = new Map([...automatic].map(([name, value]) => [name, given.get(name) ?? value]));
  for (const { arguments: names, position } of globals) {
    for (const { name, value } of names) {
      const chosen =
        given.get(name) ??
        (value === undefined
          ? undefined
          : atPosition(position, () => expandWord(value, (each) => values.get(each), { escapeCharacter }).text));
      if (chosen !== undefined) values.set(name, chosen);
    }
  }
  return values;
}

/** Arguments that were given and that no ARG asks for: most likely misspelt. */
export function unusedArguments({ globals, stages }: Dockerfile, given: Values): readonly string[] {
  const all = [...globals, ...stages.flatMap(({ instructions }) => instructions)];
  const declared = new Set(all.flatMap((each) => (each.type === 'arg' ? each.arguments.map(({ name }) => name) : [])));
  return [...given.keys()].filter((name) => !declared.has(name) && !PREDEFINED.has(name));
}

export interface ScopeOptions {
  /** Of the build. */
  readonly given: Values;
  /** What `globalArguments()` gave. */
  readonly globals: Values;
  /** Environment of the base image. */
  readonly environment: Values;
  /** Of the stage that this one begins with: its environment and its arguments. */
  readonly variables?: Values;
  readonly escapeCharacter: string;
}

/**
 * The variables of one stage, from its top to the instruction that was applied last. ARG and ENV fill one table, and the
 * later one counts: so ENV hides the ARG before it, as in BuildKit.
 */
export class StageScope {
  readonly #options: ScopeOptions;
  readonly #values: Map<string, string>;
  readonly #declared = new Set<string>();
  readonly #environment: Map<string, string>;

  constructor(options: ScopeOptions) {
    this.#options = options;
    this.#values = new Map([...options.environment, ...(options.variables ?? [])]);
    this.#environment = new Map(options.environment);
  }

  readonly lookup: Lookup = (name) => this.#values.get(name);

  get escapeCharacter(): string {
    return this.#options.escapeCharacter;
  }

  /** What the image that comes out has as its environment. */
  get environment(): Values {
    return this.#environment;
  }

  /**
   * The whole environment of a RUN, of which its key depends on all but `proxies`. These win, and come in both cases of
   * their names, since programs look at one of them.
   */
  runEnvironment(): { readonly values: Values; readonly proxies: Values } {
    const { given } = this.#options;
    const proxies = PROXIES.flatMap((upper): [string, string][] => {
      const lower = upper.toLowerCase();
      const [first, second] = [given.get(upper) ?? given.get(lower), given.get(lower) ?? given.get(upper)];
      return first === undefined || second === undefined
        ? []
        : [
            [upper, first],
            [lower, second],
          ];
    });
    return { values: new Map(this.#values), proxies: new Map(proxies) };
  }

  /** ENV, its values expanded. */
  setEnvironment(pairs: readonly Pair[]): void {
    for (const { name, value } of pairs) {
      this.#values.set(name, value);
      this.#environment.set(name, value);
    }
  }

  /** ARG: what was given, else its default, else the value before the first FROM. Throws `invalid-dockerfile`. */
  declare({ arguments: names, position }: Arg): void {
    const { given, globals, escapeCharacter } = this.#options;
    for (const { name, value } of names) {
      const chosen =
        given.get(name) ??
        (value === undefined
          ? globals.get(name)
          : atPosition(position, () => expandWord(value, this.lookup, { escapeCharacter }).text));
      if (chosen !== undefined) this.#values.set(name, chosen);
      this.#declared.add(name);
    }
  }

  /** Whether an ARG of this stage has asked for it. */
  isDeclared(name: string): boolean {
    return this.#declared.has(name);
  }
}
