import type { Position } from '../../model/diagnostic.ts';
import { type Flags, parseFlags } from './flags.ts';
import type { Add, Copy, Heredoc } from './instruction.ts';
import { Problem } from './problems.ts';
import { heredocMark, jsonArray, plainWords, type RawInstruction } from './raw-instruction.ts';

const COMMON = { chown: 'text', chmod: 'text', link: 'flag', exclude: 'list' } as const;

/** Throws a `Problem`. */
export function parseCopy(raw: RawInstruction, position: Position): Copy {
  const flags = parseFlags(raw, { ...COMMON, from: 'text', parents: 'flag' });
  const from = flags.text('from');
  if (from !== undefined && /\$./.test(from)) {
    throw new Problem('--from of COPY has a variable', 'Give the image a name of its own: FROM $VARIABLE AS name');
  }
  return {
    type: 'copy',
    position,
    ...transfer(raw, flags),
    parents: flags.flag('parents') ?? false,
    ...(from !== undefined && from !== '' && { from }),
  };
}

/** Throws a `Problem`. */
export function parseAdd(raw: RawInstruction, position: Position): Add {
  const flags = parseFlags(raw, { ...COMMON, checksum: 'text', 'keep-git-dir': 'flag', unpack: 'flag' });
  const [checksum, keepGitDir, unpack] = [flags.text('checksum'), flags.flag('keep-git-dir'), flags.flag('unpack')];
  return {
    type: 'add',
    position,
    ...transfer(raw, flags),
    ...(checksum !== undefined && { checksum }),
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...(unpack !== undefined && { unpack }),
  };
}

function transfer(raw: RawInstruction, flags: Flags) {
  const { keyword, rest } = raw;
  const words = jsonArray(rest.text) ?? plainWords(rest).map(({ text }) => text);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    throw new Problem(
      `${keyword} needs a source and a destination`,
      `Write ${keyword} SOURCE DESTINATION`,
      rest.offset,
    );
  }
  if (heredocMark(destination) !== undefined) {
    throw new Problem(`${keyword} has a heredoc as its destination`, `Write ${keyword} <<NAME /PATH`, rest.offset);
  }
  const [chown, chmod] = [flags.text('chown'), flags.text('chmod')];
  const { sources, heredocs } = sourcesOf(words.slice(0, -1), raw.heredocs);
  return {
    sources,
    heredocs,
    destination,
    ...(chown !== undefined && { chown }),
    ...(chmod !== undefined && { chmod }),
    link: flags.flag('link') ?? false,
    excludes: flags.list('exclude').map(({ text }) => text),
  };
}

function sourcesOf(words: readonly string[], contents: readonly Heredoc[]) {
  const sources: string[] = [];
  const heredocs: Heredoc[] = [];
  for (const word of words) {
    const mark = contents.length === 0 ? undefined : heredocMark(word);
    const found = contents.find(({ name }) => name === mark?.name);
    if (found === undefined) sources.push(word);
    else heredocs.push(found);
  }
  return { sources, heredocs };
}
