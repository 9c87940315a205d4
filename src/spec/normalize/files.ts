import type { Build } from '../../model/build.ts';
import type { FileMount, FileSource, OnChange } from '../../model/mounts.ts';
import type { Service } from '../../model/stack.ts';
import { type FileSection, fileTarget } from '../file-target.ts';
import { type Dict, isDict, type Path } from '../node.ts';
import { defined, dictAt, dictsAt, textAt } from './read.ts';

const readable = 0o444;
const kinds = { configs: 'config', secrets: 'secret' } as const;

/** What a place of the stack file says beside its value. */
export interface Places {
  /** A variable as the file at that place sees it. */
  readonly lookup: (path: Path, variable: string) => string | undefined;
  /** `/srv/stack.yaml:12:5`. */
  readonly where: (path: Path) => string;
}

/** `configs` and `secrets` of a service; undefined where it has none. */
export function fileMounts(service: Dict): FileMount[] | undefined {
  const files = (['configs', 'secrets'] as const).flatMap((section) =>
    dictsAt(service, section).map((item): FileMount => {
      const source = textAt(item, 'source') ?? '';
      const mode = textAt(item, 'mode');
      return defined({
        kind: kinds[section],
        source,
        target: fileTarget(section, source, textAt(item, 'target')),
        uid: Number(textAt(item, 'uid') ?? 0),
        gid: Number(textAt(item, 'gid') ?? 0),
        mode: mode === undefined ? readable : Number.parseInt(mode, 8),
        onChange: textAt(item, 'x-on-change') as OnChange | undefined,
      });
    }),
  );
  return files.length === 0 ? undefined : files;
}

interface Uses {
  readonly services: Readonly<Record<string, Service>>;
  readonly builds: readonly Build[];
  readonly places: Places;
}

/** The configs or secrets that services and builds use, with what they are made of; undefined where there are none. */
export function fileSources(
  section: FileSection,
  model: Dict,
  { services, builds, places }: Uses,
): Record<string, FileSource> | undefined {
  const declared = dictAt(model, section) ?? {};
  const used = [
    ...Object.values(services).flatMap(({ files = [] }) =>
      files.flatMap(({ kind, source }) => (kind === kinds[section] ? [source] : [])),
    ),
    ...(section === 'secrets' ? builds.flatMap(({ secrets }) => secrets.map(({ source }) => source)) : []),
  ];
  if (used.length === 0) return undefined;
  const result: Record<string, FileSource> = Object.create(null);
  for (const key of [...new Set(used)].sort()) {
    const from = declared[key];
    if (isDict(from)) result[key] = fileSource(from, [section, key], places);
  }
  return result;
}

function fileSource(from: Dict, path: Path, { lookup, where }: Places): FileSource {
  const place = where(path);
  const [file, content, variable] = [textAt(from, 'file'), textAt(from, 'content'), textAt(from, 'environment')];
  if (from['external'] !== true) {
    if (file !== undefined) return { type: 'file', path: file, place };
    if (content !== undefined) return { type: 'content', content, place };
    if (variable !== undefined) {
      const value = lookup([...path, 'environment'], variable);
      return defined({ type: 'environment' as const, variable, value, place });
    }
  }
  return { type: 'external', name: textAt(from, 'name') ?? String(path[1]), place };
}
