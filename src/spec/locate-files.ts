import { basename, dirname, join, resolve } from 'node:path';
import { TsstackError } from '../model/error.ts';
import { pathKind } from './read.ts';

/** Searched in this order in every directory, upwards. */
const defaultNames = [
  'stack.yaml',
  'stack.yml',
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
];
/** The first of these beside a file of a default name is laid over it; Compose takes any of its own for any of its own. */
const stackOverrides = ['stack.override.yaml', 'stack.override.yml'];
const composeOverrides = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

export interface LocateRequest {
  readonly files: readonly string[];
  readonly cwd: string;
  /** `COMPOSE_FILE` and `COMPOSE_PATH_SEPARATOR`. */
  readonly composeFile: string | undefined;
  readonly separator: string | undefined;
  /** Files are noted here that are not there and would have counted. */
  readonly looked: Set<string>;
}

/** The files of a stack in merge order, absolute, `-` for standard input. Throws `no-stack-file`. */
export function locateFiles(request: LocateRequest): readonly string[] {
  const absolute = (file: string) => (file === '-' ? '-' : resolve(request.cwd, file));
  if (request.files.length > 0) return request.files.map(absolute);
  if (request.composeFile !== undefined && request.composeFile !== '') {
    const files = request.composeFile.split(request.separator || ':').filter((file) => file !== '');
    return files.map(absolute);
  }
  for (let folder = resolve(request.cwd); ; folder = dirname(folder)) {
    const found = defaultNames.map((name) => join(folder, name)).find((path) => pathKind(path) === 'file');
    if (found !== undefined) return withOverride(found, request.looked);
    if (dirname(folder) === folder) break;
  }
  throw new TsstackError('no-stack-file', `there is no stack file in ${resolve(request.cwd)} or above`, {
    hint: `write ${defaultNames[0]}, or name a file with -f`,
  });
}

function withOverride(path: string, looked: Set<string>): readonly string[] {
  const names = basename(path).startsWith('stack.') ? stackOverrides : composeOverrides;
  const paths = names.map((name) => join(dirname(path), name));
  for (const each of paths) looked.add(each);
  const found = paths.find((each) => pathKind(each) === 'file');
  return found === undefined ? [path] : [path, found];
}
