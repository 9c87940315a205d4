import { dirname, resolve } from 'node:path';
import type { Diagnostic } from '../model/diagnostic.ts';
import { InvalidStackError } from '../model/error.ts';
import type { Stack } from '../model/stack.ts';
import { withUnknownNames } from './aside.ts';
import { type Context, scopeAt } from './canonical/context.ts';
import { canonicalProject } from './canonical/project.ts';
import { checkShape } from './check-shape.ts';
import { checkConsistency } from './consistency/check.ts';
import { Diagnostics } from './diagnose.ts';
import { interpolate } from './interpolate.ts';
import { locateFiles } from './locate-files.ts';
import { type Dict, entryOf, type ScalarNode, type SpecNode } from './node.ts';
import { normalizeStack } from './normalize/stack.ts';
import { warnUnsupported } from './normalize/unsupported.ts';
import { projectName } from './project-name.ts';
import { selectServices } from './select.ts';
import { resolveServiceFiles } from './service-env.ts';
import type { Scope } from './source.ts';
import type { Lookup } from './template.ts';
import { fileName, TreeLoader } from './tree-loader.ts';
import { loadVariables } from './variables.ts';

/** Everything that decides what a stack file means. Plain JSON: the CLI sends it to the daemon as it stands. */
export interface LoadRequest {
  /** `-f`, in order, relative to `cwd`; `-` reads `stdin`. Empty: COMPOSE_FILE, then the default names, searched upwards. */
  readonly files: readonly string[];
  readonly cwd: string;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `--env-file`, in order; empty: `.env` of the project directory. */
  readonly envFiles: readonly string[];
  /** `-p`. */
  readonly projectName?: string;
  readonly projectDirectory?: string;
  /** `--profile`, several; `*` is all. */
  readonly profiles: readonly string[];
  /** Services that the command names: they and their dependencies are enabled. Empty: all. */
  readonly services: readonly string[];
  /** Text of `-f -`. */
  readonly stdin?: string;
}

export interface LoadResult {
  readonly stack: Stack;
  /** The canonical Compose model, as `config --format json` prints it. */
  readonly model: Readonly<Record<string, unknown>>;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks a stack. Throws `InvalidStackError` with every problem, or `no-stack-file`. */
export function loadStack(request: LoadRequest): LoadResult {
  const diagnostics = new Diagnostics();
  const project = openProject(request, diagnostics);
  const loader = new TreeLoader({ diagnostics, stdin: request.stdin ?? '' });
  const root = readTree(request, project, loader);
  if (root === undefined) throw new InvalidStackError(diagnostics.list());
  const name = nameOf(request, project, root, diagnostics);
  const shaped = checkShape(root, diagnostics);
  if (shaped === undefined) throw new InvalidStackError(diagnostics.list());
  const { value } = shaped;
  const context: Context = {
    root: shaped.root,
    diagnostics,
    home: request.env['HOME'] ?? '/root',
    scope: { directory: project.directory, project: project.directory, lookup: withName(project.lookup, name) },
    scoped: loader.scoped,
    places: new WeakMap(),
  };
  const model = resolveModel(value, { request, name, context, lookup: project.lookup });
  if (diagnostics.hasErrors) throw new InvalidStackError(diagnostics.list());
  const stack = normalizeStack(model.dict, value, {
    projectDirectory: project.directory,
    base: (path) => ({ directory: scopeAt(context, () => path).directory, home: context.home }),
    files: project.files.map(fileName),
    disabledServices: model.disabled,
  });
  return { stack, model: model.dict, diagnostics: diagnostics.list() };
}

interface Project {
  readonly diagnostics: Diagnostics;
  readonly files: readonly string[];
  readonly directory: string;
  readonly lookup: Lookup;
}

function openProject(request: LoadRequest, diagnostics: Diagnostics): Project {
  const envFiles = request.envFiles.map((file) => resolve(request.cwd, file));
  const early = loadVariables({ env: request.env, envFiles, projectDirectory: request.cwd }, new Diagnostics());
  const files = locateFiles({
    files: request.files,
    cwd: request.cwd,
    composeFile: early('COMPOSE_FILE'),
    separator: early('COMPOSE_PATH_SEPARATOR'),
  });
  const first = files[0] ?? '-';
  const beside = first === '-' ? request.cwd : dirname(first);
  const directory = resolve(request.cwd, request.projectDirectory ?? beside);
  return {
    diagnostics,
    files,
    directory,
    lookup: loadVariables({ env: request.env, envFiles, projectDirectory: directory }, diagnostics),
  };
}

/** All files as one tree; undefined when nothing is left to check. */
function readTree(request: LoadRequest, project: Project, loader: TreeLoader): SpecNode | undefined {
  const { directory, files, diagnostics } = project;
  // The name is known when all were read: it may be written in the last.
  let name: string | undefined;
  const lookup: Lookup = (variable) =>
    variable === 'COMPOSE_PROJECT_NAME' ? (name ?? project.lookup(variable)) : project.lookup(variable);
  const scope: Scope = { directory, project: directory, lookup };
  const trees = files.flatMap((file) => loader.read(file, scope) ?? []);
  if (loader.broken) return undefined;
  if (trees.length === 0) {
    if (loader.unread) return undefined;
    const message = `${fileName(files[0] ?? '-')} is empty: it needs the key "services"`;
    diagnostics.add({ code: 'schema.missing', message });
    return undefined;
  }
  name = earlyName(request, project, trees);
  const merged = loader.assemble(trees, scope, files);
  if (loader.broken) return undefined;
  return loader.unread && merged !== undefined ? withUnknownNames(merged) : merged;
}

/** The name that `${COMPOSE_PROJECT_NAME}` stands for inside the files. */
function earlyName(request: LoadRequest, project: Project, trees: readonly SpecNode[]): string {
  const written = trees.map((tree) => entryOf(tree, 'name')?.node).findLast((node) => node !== undefined);
  const filled = written === undefined ? undefined : interpolate(written, project.lookup, new Diagnostics());
  return projectName(
    {
      given: request.projectName || project.lookup('COMPOSE_PROJECT_NAME'),
      written: filled?.kind === 'scalar' ? filled : undefined,
      projectDirectory: project.directory,
    },
    new Diagnostics(),
  );
}

function nameOf(request: LoadRequest, project: Project, root: SpecNode, diagnostics: Diagnostics): string {
  const written = entryOf(root, 'name')?.node;
  const scalar: ScalarNode | undefined = written?.kind === 'scalar' ? written : undefined;
  const given = request.projectName || project.lookup('COMPOSE_PROJECT_NAME');
  return projectName({ given, written: scalar, projectDirectory: project.directory }, diagnostics);
}

function withName(lookup: Lookup, name: string): Lookup {
  return (variable) => (variable === 'COMPOSE_PROJECT_NAME' ? name : lookup(variable));
}

interface ModelRequest {
  readonly request: LoadRequest;
  readonly name: string;
  readonly context: Context;
  readonly lookup: Lookup;
}

function resolveModel(value: Dict, options: ModelRequest): { dict: Dict; disabled: readonly string[] } {
  const { request, name, context } = options;
  const model = canonicalProject(value, name, context);
  const all = model['services'] as Dict;
  const fromEnvironment = (options.lookup('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
  const profiles = request.profiles.length > 0 ? request.profiles : fromEnvironment.filter((profile) => profile !== '');
  const selected = selectServices(all, { profiles, services: request.services }, context);
  checkConsistency({ model, all, enabled: selected.enabled }, context);
  warnUnsupported(value, selected.enabled, context);
  model['services'] = selected.enabled;
  // The reference's JSON has no top-level models.
  delete model['models'];
  resolveServiceFiles(selected.enabled, context);
  return { dict: model, disabled: selected.disabled };
}
