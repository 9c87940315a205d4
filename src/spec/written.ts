import { InvalidStackError } from '../model/error.ts';
import { Diagnostics } from './diagnose.ts';
import { type ListedVariable, variablesOf } from './list-variables.ts';
import { type Dict, dict, isDict, type SpecNode, toValue } from './node.ts';
import { nameOf, openProject, type Project, readProject } from './project.ts';
import type { LoadRequest } from './request.ts';

/**
 * The stack as its files write it: merged, `include` and `extends` applied, but no variable filled in, no path
 * resolved, no short form expanded and no profile applied. It has the name that `-p` gives, or it writes, or its
 * directory has. Throws `InvalidStackError`, `no-stack-file`.
 */
export function writtenStack(request: LoadRequest): Dict {
  const { root, project } = read(request);
  const value = toValue(root);
  const written = isDict(value) ? value : dict();
  const name = written['name'];
  // One with a variable in it is no name yet.
  if (typeof name === 'string' && name.includes('$') && !request.projectName) return written;
  return Object.assign(dict(), { name: '' }, written, { name: nameOf(request, project, root) });
}

/** The variables that the stack uses. Throws `InvalidStackError`, `no-stack-file`. */
export function stackVariables(request: LoadRequest): readonly ListedVariable[] {
  return variablesOf([read(request).root]);
}

/** What variables stand for, by name: the caller's environment over that of the files. Throws `no-stack-file`. */
export function stackEnvironment(request: LoadRequest): ReadonlyMap<string, string> {
  const { variables } = openProject(request, new Diagnostics());
  return new Map([...variables.fromFiles, ...Object.entries(request.env)]);
}

function read(request: LoadRequest): { root: SpecNode; project: Project } {
  const diagnostics = new Diagnostics();
  const project = openProject(request, diagnostics);
  const { root } = readProject(request, project, true);
  if (root === undefined || diagnostics.hasErrors) throw new InvalidStackError(diagnostics.list());
  return { root, project };
}
