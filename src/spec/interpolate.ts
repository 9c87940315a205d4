import { mapChildren } from './aside.ts';
import { type Cast, type CastTree, castScalar, casts, stepCast } from './casts.ts';
import type { Diagnostics, ProblemCode } from './diagnose.ts';
import type { ScalarNode, SpecNode } from './node.ts';
import { quoted } from './printable.ts';
import type { Origin } from './source.ts';
import { type Lookup, substitute, TemplateError } from './template.ts';

/**
 * The tree with every variable in its values replaced (keys are never touched), and every value of a known type cast to
 * it. Unset variables are warnings; malformed ones and wrong types are errors, their values set aside. Undefined when
 * that is the whole tree.
 */
export function interpolate(root: SpecNode, lookup: Lookup, diagnostics: Diagnostics): SpecNode | undefined {
  return new Interpolation(lookup, diagnostics).walk(root, casts);
}

class Interpolation {
  readonly #lookup: Lookup;
  readonly #diagnostics: Diagnostics;

  constructor(lookup: Lookup, diagnostics: Diagnostics) {
    this.#lookup = lookup;
    this.#diagnostics = diagnostics;
  }

  walk(node: SpecNode, cast: CastTree | Cast | undefined, name = ''): SpecNode | undefined {
    if (node.kind === 'scalar') return this.#scalar(node, cast, name);
    if (node.kind === 'map') return mapChildren(node, (child, key) => this.walk(child, stepCast(cast, key), key));
    const itemCast = stepCast(cast, '*');
    return mapChildren(node, (item) => this.walk(item, itemCast, name));
  }

  #scalar(node: ScalarNode, cast: CastTree | Cast | undefined, name: string): SpecNode | undefined {
    const filled = this.#filled(node);
    if (filled === undefined) return undefined;
    const type = typeof cast === 'object' ? ulimitCast(cast) : cast;
    if (type === undefined) return filled;
    const value = castScalar(type, filled);
    if (value === undefined) {
      const wanted = type === 'boolean' ? 'true or false' : type === 'integer' ? 'a whole number' : 'a number';
      const code = typeof filled.value === 'number' ? 'value.range' : 'schema.type';
      this.#problem(code, `${name} is ${quoted(filled.text)}, which is not ${wanted}`, node);
      return undefined;
    }
    return value === filled.value ? filled : { ...filled, value };
  }

  #filled(node: ScalarNode): ScalarNode | undefined {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
    try {
      const { text, unset } = substitute(node.value, this.#lookup);
      for (const name of unset) this.#unset(name, node);
      return { ...node, value: text, text };
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      const hint = error.code === 'interp.syntax' ? 'write $$ for a plain dollar sign' : undefined;
      this.#diagnostics.add({ code: error.code, message: error.message, origin: tokenIn(node, error.token), hint });
      return undefined;
    }
  }

  #unset(name: string, node: ScalarNode): void {
    this.#diagnostics.add({
      severity: 'warning',
      code: 'interp.unset',
      message: `the variable "${name}" is not set: an empty string is used`,
      hint: `set it, or give a default: \${${name}:-value}`,
      origin: variableIn(node, name),
    });
  }

  #problem(code: ProblemCode, message: string, origin: Origin): void {
    this.#diagnostics.add({ code, message, origin });
  }
}

/** Where a part of a scalar was written; the whole of it when that is all it holds, or is written with escapes. */
function tokenIn(node: ScalarNode, token: string): Origin {
  const { source, start, end } = node;
  const found = node.value === token ? -1 : source.text.slice(start, end).indexOf(token);
  return found === -1 ? node : { source, start: start + found, end: start + found + token.length };
}

/** `$NAME` or `${NAME}` in a scalar, of a longer form its beginning; `$$NAME` is no variable. */
function variableIn(node: ScalarNode, name: string): Origin {
  const { source, start, end } = node;
  for (const { 0: found, index } of source.text
    .slice(start, end)
    .matchAll(new RegExp(`\\$\\$|\\$\\{?${name}\\b\\}?`, 'g'))) {
    if (found !== '$$') return { source, start: start + index, end: start + index + found.length };
  }
  return node;
}

/** `nofile: 1024`: a number where the tree describes `{soft, hard}`. */
function ulimitCast(tree: CastTree): Cast | undefined {
  const only = tree['*'];
  return only === 'integer' && Object.keys(tree).length === 1 ? 'integer' : undefined;
}
