import { escaped } from '../context/glob.ts';
import { ImageTree } from '../context/image-tree.ts';
import { DirectoryTree } from '../context/scan.ts';
import { findSources } from '../context/select.ts';
import type { ReadableTree } from '../context/tree.ts';
import { copyStep, type Part, type Transfer } from './copy-step.ts';
import type { StageState } from './state.ts';
import type { Step, Work } from './work.ts';

type Add = Transfer & { readonly type: 'add' };

/** ADD: files of the context, of which archives are unpacked, and what a URL leads to. */
export async function addStep(work: Work, state: StageState, add: Add, step: Step): Promise<StageState> {
  const parts: Part[] = [];
  for (const source of add.sources) parts.push(...(await partsOf(work, add, source)));
  return copyStep(work, state, add, { parts, step });
}

async function partsOf(work: Work, add: Add, source: string): Promise<readonly Part[]> {
  const { machine, context } = work;
  const { remote } = machine;
  if (remote.isRepository(source)) {
    const tree = new DirectoryTree(await remote.repository(source, add.keepGitDir ?? false), { asRoot: true });
    return [{ tree, sources: ['/'], intoDirectory: true }];
  }
  if (/^https?:\/\//.test(source)) {
    const { directory, name } = await remote.file(source, add.checksum);
    const tree = new DirectoryTree(directory, { asRoot: true });
    return add.unpack === true
      ? archivesOf(work, tree, `/${escaped(name)}`)
      : [{ tree, sources: [`/${escaped(name)}`] }];
  }
  return add.unpack === false ? [{ tree: context, sources: [source] }] : archivesOf(work, context, source);
}

/** What a source stands for, archives as what is in them. */
async function archivesOf({ machine: { remote } }: Work, tree: ReadableTree, source: string): Promise<readonly Part[]> {
  const found = findSources(tree, source, false);
  const parts = await Promise.all(
    found.map(async ({ path }): Promise<Part & { readonly isArchive: boolean }> => {
      const entry = tree.entry(path);
      const isArchive = entry?.type === 'file' && (await remote.isArchive(() => tree.read(entry)));
      if (!isArchive) return { tree, sources: [`/${escaped(path)}`], isArchive };
      const unpacked = new ImageTree([await remote.unpacked(tree.read(entry))]);
      return { tree: unpacked, sources: ['/'], intoDirectory: true, isArchive };
    }),
  );
  // As it was written it keeps its name, which may be that of a link.
  return parts.some(({ isArchive }) => isArchive) ? parts : [{ tree, sources: [source] }];
}
