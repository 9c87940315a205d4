import { posix } from 'node:path';
import { type KeyFile, stepKey } from '../cache-key.ts';
import { madeMode, parseChmod } from '../context/chmod.ts';
import { planCopy } from '../context/copy.ts';
import { entryDigest } from '../context/entry-digest.ts';
import { PatternMatcher } from '../context/ignore.ts';
import type { Copied } from '../context/placement.ts';
import { EMPTY_TREE, NO_FILES, type ReadableTree } from '../context/tree.ts';
import type { Step as ExpandedStep } from '../dockerfile/expand.ts';
import { type Heredoc, heredocText } from '../dockerfile/instruction.ts';
import { type CopiedOptions, entriesOf } from '../layer/copied-entries.ts';
import { type LayerEntry, PLAIN } from '../layer/layer-entry.ts';
import { describe } from './describe.ts';
import { layerOf, nowNs, treeOf } from './file-system.ts';
import { textIn } from './open-context.ts';
import { perform } from './perform.ts';
import { chainOf, type StageState } from './state.ts';
import type { Step, Work } from './work.ts';

export type Transfer = ExpandedStep & { readonly type: 'copy' | 'add' };

const HEREDOC_MODE = 0o644;

/** Where some of the sources of a COPY or ADD are. */
export interface Part {
  readonly tree: ReadableTree;
  readonly sources: readonly string[];
  /** It is a directory, whatever the instruction says: of what was an archive. */
  readonly intoDirectory?: true;
  /** Files whose text stands in the instruction. */
  readonly heredocs?: readonly Heredoc[];
}

/** COPY, and ADD of what has been brought here. */
export async function copyStep(
  work: Work,
  state: StageState,
  transfer: Transfer,
  { parts, step }: { readonly parts: readonly Part[]; readonly step: Step },
): Promise<StageState> {
  const image = await treeOf(work, state);
  const owner = transfer.chown === undefined ? {} : { owner: await ownerOf(work, image, transfer.chown) };
  const chmod =
    transfer.chmod === undefined ? {} : { chmod: parseChmod(transfer.chmod), madeMode: madeMode(transfer.chmod) };
  const rights = { ...owner, ...chmod, nowNs: nowNs(work) };
  const placed = new Map<string, LayerEntry>();
  const files = new Map<string, KeyFile>();
  const count = parts.reduce((sum, { sources }) => sum + sources.length, transfer.heredocs.length);
  const heredocs = transfer.heredocs.length === 0 ? [] : [{ tree: NO_FILES, sources: [], heredocs: transfer.heredocs }];
  for (const part of [...parts, ...heredocs] as readonly Part[]) {
    const destination = destinationOf(transfer.destination, state);
    const plan = await planCopy({
      tree: part.tree,
      sources: part.sources,
      destination: part.intoDirectory === true && !destination.endsWith('/') ? `${destination}/` : destination,
      image: transfer.link ? EMPTY_TREE : image,
      excludes: new PatternMatcher(transfer.excludes, '--exclude'),
      parents: transfer.type === 'copy' && transfer.parents,
      others: count - part.sources.length,
    });
    for (const source of plan.empty) work.progress.warning(`${describe(transfer)}: ${source} matches no file`);
    const places = (part.heredocs ?? []).map((heredoc) => ({ heredoc, to: plan.placeOf(heredoc.name) }));
    const copied = plan.copied();
    const entries = [
      ...(await entriesOf(part.tree, copied, { ...rights, signal: work.signal })),
      ...places.map(({ heredoc, to }) => heredocEntry(heredoc, to, rights)),
    ];
    for (const entry of entries) placed.set(entry.path, entry);
    for (const file of await keyFiles(part.tree, copied, entries)) files.set(file.to, file);
  }
  return perform(work, state, {
    step,
    key: stepKey({
      parent: transfer.link ? '' : (chainOf(state).at(-1) ?? ''),
      step: transfer,
      files: [...files.values()],
    }),
    createdBy: `${describe(transfer)} # buildkit`,
    make: () => layerOf(work, [...placed.values()]),
  });
}

type Rights = Omit<CopiedOptions, 'xattrs'>;

/** What a step's key sees of the files that it takes. */
export async function keyFiles(
  tree: ReadableTree,
  copied: readonly Copied[],
  entries: readonly LayerEntry[],
): Promise<readonly KeyFile[]> {
  const sources = new Map(copied.flatMap((each) => (each.type === 'entry' ? [[each.to, each.entry] as const] : [])));
  const files: KeyFile[] = [];
  for (const entry of entries) {
    const source = sources.get(entry.path);
    const hash =
      entry.type !== 'file'
        ? undefined
        : source === undefined
          ? await contentOf(entry)
          : await tree.contentHash(source);
    files.push({ to: entry.path, digest: entryDigest(entry, hash) });
  }
  return files;
}

/** Of a heredoc: it is short. */
async function contentOf({ data }: LayerEntry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of data?.() ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString('base64');
}

function heredocEntry(heredoc: Heredoc, to: string, { owner, chmod, nowNs }: Rights): LayerEntry {
  const content = Buffer.from(heredocText(heredoc));
  return {
    ...PLAIN,
    ...owner,
    path: to,
    type: 'file',
    mode: chmod === undefined ? HEREDOC_MODE : chmod(HEREDOC_MODE, false),
    size: content.length,
    mtimeNs: nowNs,
    data: async function* () {
      yield content;
    },
  };
}

/** Relative to the working directory; a slash at its end says that it is a directory. */
function destinationOf(destination: string, { config }: StageState): string {
  const absolute = posix.resolve('/', config.WorkingDir ?? '/', destination);
  return /(^|\/)\.?$/.test(destination) && absolute !== '/' ? `${absolute}/` : absolute;
}

/** A number alone is both, user and group; names are looked up in the image. */
export async function ownerOf(
  { machine }: Work,
  image: ReadableTree,
  text: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const numeric = /^(\d+)$/.exec(text)?.[1];
  if (numeric !== undefined) return { uid: Number(numeric), gid: Number(numeric) };
  return machine.owner(text, (await textIn(image, 'etc/passwd')) ?? '', (await textIn(image, 'etc/group')) ?? '');
}
