import type { From, Heredoc, Run, StageInstruction } from './instruction.ts';
import { parseMount, type RunMount } from './mount.ts';
import { atPosition } from './problems.ts';
import type { StageScope, Values } from './scope.ts';
import { expandWord, type WordOptions } from './words.ts';

/** An instruction of a stage with its variables expanded. */
export type Step = Exclude<StageInstruction, Run> | (Omit<Run, 'mounts'> & { readonly mounts: readonly RunMount[] });

export interface ExpandedStep {
  readonly step: Step;
  /** Variables that it names and that have a value. What RUN reads more than these is `StageScope.runEnvironment()`. */
  readonly read: ReadonlySet<string>;
  /** Variables that it names and that have none. */
  readonly missing: ReadonlySet<string>;
}

/** FROM sees only the arguments before it. Throws `invalid-dockerfile`. */
export function expandFrom(from: From, globals: Values, escapeCharacter: string): From {
  const expand = (text: string): string => expandWord(text, (name) => globals.get(name), { escapeCharacter }).text;
  return atPosition(from.position, () => ({
    ...from,
    base: expand(from.base),
    ...(from.platform !== undefined && { platform: expand(from.platform) }),
  }));
}

/**
 * Expands what BuildKit expands: not the commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK, whose shell does it, and of
 * ARG nothing here, since each default sees the one before it: `StageScope.declare()`. Throws `invalid-dockerfile`.
 */
export function expandStep(instruction: StageInstruction, scope: StageScope): ExpandedStep {
  const read = new Set<string>();
  const missing = new Set<string>();
  const process = (text: string, options: Partial<WordOptions> = {}) => {
    const result = expandWord(text, scope.lookup, { escapeCharacter: scope.escapeCharacter, ...options });
    for (const name of result.read) read.add(name);
    for (const name of result.missing) missing.add(name);
    return result;
  };
  const step = atPosition(instruction.position, () => expanded(instruction, process));
  return { step, read, missing };
}

type Process = (
  text: string,
  options?: Partial<WordOptions>,
) => { readonly text: string; readonly words: readonly string[] };

function expanded(instruction: StageInstruction, process: Process): Step {
  const word = (text: string): string => process(text).text;
  switch (instruction.type) {
    case 'run':
      return { ...instruction, mounts: instruction.mounts.map((mount) => parseMount(mount, word)) };
    case 'env':
    case 'label': {
      const pairs = instruction.pairs.map(({ name, value }) => ({ name: word(name), value: word(value) }));
      return { ...instruction, pairs };
    }
    case 'expose':
      return { ...instruction, ports: instruction.ports.flatMap((port) => process(port).words) };
    case 'volume':
      return { ...instruction, paths: instruction.paths.map(word) };
    case 'user':
    case 'workdir':
    case 'stopsignal':
      return { ...instruction, text: word(instruction.text) };
    case 'copy':
    case 'add':
      return {
        ...instruction,
        sources: instruction.sources.map(word),
        destination: word(instruction.destination),
        heredocs: instruction.heredocs.map((heredoc) => expandedHeredoc(heredoc, process)),
        ...(instruction.chown !== undefined && { chown: word(instruction.chown) }),
        ...(instruction.chmod !== undefined && { chmod: word(instruction.chmod) }),
        ...(instruction.type === 'add' &&
          instruction.checksum !== undefined && { checksum: word(instruction.checksum) }),
      };
    default:
      return instruction;
  }
}

/** A file's content: quotes in it are its own. */
function expandedHeredoc(heredoc: Heredoc, process: Process): Heredoc {
  if (!heredoc.expand) return heredoc;
  return { ...heredoc, content: process(heredoc.content, { escapeCharacter: '\\', skipQuotes: true }).text };
}
