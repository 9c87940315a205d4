import type { Diagnostic } from '../model/diagnostic.ts';
import { InvalidStackError } from '../model/error.ts';
import type { Stack } from '../model/stack.ts';
import { type Context, scopeAt } from './canonical/context.ts';
import { applyDefaultHostIp } from './canonical/default-host-ip.ts';
import { canonicalProject } from './canonical/project.ts';
import { checkShape } from './check-shape.ts';
import { checkConsistency } from './consistency/check.ts';
import { Diagnostics } from './diagnose.ts';
import { type Dict, locate, type Path } from './node.ts';
import { normalizeStack } from './normalize/stack.ts';
import { warnUnsupported } from './normalize/unsupported.ts';
import { nameOf, openProject, readProject, scopeOf } from './project.ts';
import type { LoadRequest } from './request.ts';
import { applyScale } from './scale.ts';
import { selectServices } from './select.ts';
import { resolveServiceFiles } from './service-env.ts';
import { positionOf } from './source.ts';
import type { Lookup } from './template.ts';
import { fileName } from './tree-loader.ts';

export type { LoadRequest } from './request.ts';

export interface LoadResult {
  /** As the engine takes it; made when it is first asked for. */
  readonly stack: Stack;
  /** The canonical Compose model, as `config --format json` prints it. */
  readonly model: Readonly<Record<string, unknown>>;
  /** All files merged, variables filled in, short forms as they are, services of all profiles. */
  readonly written: Readonly<Record<string, unknown>>;
  /** A variable as the files see it: of the request's environment, `--env-file` or `.env`. */
  readonly variable: Lookup;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What a stack was made from, for who explains it. */
export interface Inside {
  readonly context: Context;
  /** Canonical services of all profiles. */
  readonly all: Dict;
  readonly disabled: readonly string[];
  /** Those that were asked for. */
  readonly profiles: readonly string[];
}

/**
 * Reads and checks a stack. Throws `InvalidStackError` with every problem, or `no-stack-file`; which files it looked
 * for is in `diagnostics` then, too. `watch` is told what it was made from.
 */
export function loadStack(
  request: LoadRequest,
  diagnostics = new Diagnostics(),
  watch?: (inside: Inside) => void,
): LoadResult {
  const project = openProject(request, diagnostics);
  const { root, scoped } = readProject(request, project);
  if (root === undefined) throw new InvalidStackError(diagnostics.list());
  const name = nameOf(request, project, root);
  const shaped = checkShape(root, diagnostics);
  if (shaped === undefined) throw new InvalidStackError(diagnostics.list());
  const { value } = shaped;
  const context: Context = {
    root: shaped.root,
    diagnostics,
    home: request.env['HOME'] ?? '/root',
    scope: scopeOf(project, () => name),
    scoped,
    places: new WeakMap(),
    origins: new Map(),
    ports: 0,
  };
  const model = resolveModel(value, { request, name, context, lookup: project.variables.lookup, watch });
  if (diagnostics.hasErrors) throw new InvalidStackError(diagnostics.list());
  let stack: Stack | undefined;
  return {
    // Most of `config` does without.
    get stack() {
      refuse(diagnostics.list());
      stack ??= normalizeStack(model.dict, value, {
        projectDirectory: project.directory,
        lookup: (path, variable) => scopeAt(context, () => path).lookup(variable),
        where: (path) => placeText(context, path),
        base: (path) => ({ directory: scopeAt(context, () => path).directory, home: context.home }),
        origins: (service) => context.origins.get(service),
        files: project.files.map(fileName),
        disabledServices: model.disabled,
        unnamedServices: model.leftOut,
        allResources: request.allResources === true,
        all: model.all,
      });
      return stack;
    },
    model: model.dict,
    written: value,
    variable: project.variables.lookup,
    diagnostics: diagnostics.list(),
  };
}

/** `config` shows with a warning what nothing can be made of. Throws `InvalidStackError`. */
function refuse(diagnostics: readonly Diagnostic[]): void {
  if (!diagnostics.some(({ code }) => code === 'refused.key')) return;
  const found = diagnostics.map((each) =>
    each.code === 'refused.key' ? { ...each, severity: 'error' as const } : each,
  );
  throw new InvalidStackError(found);
}

/** `/srv/stack.yaml:12:5` */
function placeText({ root }: Context, path: Path): string {
  const { file, line, column } = positionOf(locate(root, path, { key: true }));
  return `${file}:${line}:${column}`;
}

interface ModelRequest {
  readonly request: LoadRequest;
  readonly name: string;
  readonly context: Context;
  readonly lookup: Lookup;
  readonly watch: ((inside: Inside) => void) | undefined;
}

interface ResolvedModel {
  readonly dict: Dict;
  /** Canonical services of all profiles. */
  readonly all: Dict;
  readonly disabled: readonly string[];
  readonly leftOut: readonly string[];
}

function resolveModel(value: Dict, options: ModelRequest): ResolvedModel {
  const { request, name, context } = options;
  const model = canonicalProject(value, name, context);
  const all = model['services'] as Dict;
  applyScale(all, request.scale ?? {}, context);
  applyDefaultHostIp(all, value['x-default-host-ip'], options.lookup, context);
  const fromEnvironment = (options.lookup('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
  const profiles = request.profiles.length > 0 ? request.profiles : fromEnvironment.filter((profile) => profile !== '');
  const selected = selectServices(all, { profiles, services: request.services }, context);
  options.watch?.({ context, all, disabled: selected.disabled, profiles });
  if (request.unchecked !== true) checkConsistency({ model, all, enabled: selected.enabled }, context);
  warnUnsupported(value, selected.enabled, context);
  model['services'] = selected.enabled;
  // The reference's JSON has no top-level models.
  delete model['models'];
  resolveServiceFiles(selected.enabled, context);
  return { dict: model, all, disabled: selected.disabled, leftOut: selected.leftOut };
}
