import type { Diagnostic, Position } from '../../model/diagnostic.ts';
import { InvalidDockerfileError } from '../../model/error.ts';
import type { Arg, From, Instruction, Stage, StageInstruction } from './instruction.ts';
import { LineReader, type LogicalLine } from './lines.ts';
import { parseInstruction } from './parse-instruction.ts';
import { errorAt, Problem, warningAt } from './problems.ts';
import { cutInstruction } from './raw-instruction.ts';

const MAX_INSTRUCTIONS = 10_000;
/** A file that is no Dockerfile at all is wrong in every line. */
const MAX_PROBLEMS = 20;

/** What a Dockerfile says. Nothing in it is expanded yet. */
export interface Dockerfile {
  /** Of ARG before the first FROM. */
  readonly globals: readonly Arg[];
  readonly stages: readonly [Stage, ...Stage[]];
  /** `\` or a backtick. */
  readonly escapeCharacter: string;
  /** `# syntax=`: the frontend that BuildKit would fetch. It is not: this one knows the stable syntax. */
  readonly syntax?: string;
  /** `# check=`. */
  readonly check?: string;
  readonly warnings: readonly Diagnostic[];
}

/** `file`: as messages name it. Throws `invalid-dockerfile` with all that is wrong. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const { instructions, diagnostics, reader } = readAll(text, file);
  const globals: Arg[] = [];
  const stages: { from: From; instructions: StageInstruction[] }[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    if (instruction.type === 'from') stages.push({ from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.type === 'arg') globals.push(instruction);
    else {
      const name = instruction.type.toUpperCase();
      diagnostics.push(errorAt(instruction.position, `${name} stands before the first FROM`, 'Only ARG may'));
    }
  }
  const [first, ...others] = stages;
  const hasErrors = diagnostics.some(({ severity }) => severity === 'error');
  if (first === undefined && !hasErrors) {
    diagnostics.push(errorAt(reader.position(1, 1), 'the file has no FROM', 'Begin with FROM IMAGE or FROM scratch'));
  }
  if (first === undefined || hasErrors) throw new InvalidDockerfileError(diagnostics);
  const [syntax, check] = [reader.directives.get('syntax'), reader.directives.get('check')];
  return {
    globals,
    stages: [first, ...others],
    escapeCharacter: reader.escapeCharacter,
    ...(syntax !== undefined && { syntax }),
    ...(check !== undefined && { check }),
    warnings: diagnostics,
  };
}

/** The instruction that ONBUILD of a base image carries. Throws `invalid-dockerfile`. */
export function parseTrigger(expression: string, file: string): StageInstruction {
  const { instructions, diagnostics, reader } = readAll(expression, file);
  const [instruction, ...more] = instructions;
  const wrong = instruction === undefined || more.length > 0 || ['from', 'onbuild'].includes(instruction.type);
  if (wrong && diagnostics.every(({ severity }) => severity === 'warning')) {
    diagnostics.push(errorAt(reader.position(1, 1), 'ONBUILD carries something other than one instruction'));
  }
  if (
    instruction === undefined ||
    instruction.type === 'from' ||
    diagnostics.some(({ severity }) => severity === 'error')
  ) {
    throw new InvalidDockerfileError(diagnostics);
  }
  return instruction;
}

interface Read {
  readonly instructions: readonly Instruction[];
  /** In the order of the file. */
  readonly diagnostics: Diagnostic[];
  readonly reader: LineReader;
}

function readAll(text: string, file: string): Read {
  const start: Position = { file, line: 1, column: 1, length: 1, end: { line: 1, column: 2 } };
  const diagnostics: Diagnostic[] = [];
  const instructions: Instruction[] = [];
  const reader = collect(
    diagnostics,
    () => start,
    () => new LineReader(text, file),
  );
  if (reader === undefined) throw new InvalidDockerfileError(diagnostics);
  for (let errors = 0; errors < MAX_PROBLEMS; ) {
    // What is wrong with the lines themselves is the end: where the next instruction begins is not known.
    const line = collect(
      diagnostics,
      () => reader.position(reader.lineNumber, 1),
      () => reader.logicalLine() ?? null,
    );
    if (line === undefined || line === null) break;
    if (instructions.length >= MAX_INSTRUCTIONS) {
      diagnostics.push(errorAt(line.position(0), `more than ${MAX_INSTRUCTIONS} instructions`));
      break;
    }
    const instruction = readOne(line, reader, diagnostics);
    if (instruction === undefined) errors += 1;
    else instructions.push(instruction);
  }
  return { instructions, diagnostics, reader };
}

function readOne(line: LogicalLine, reader: LineReader, diagnostics: Diagnostic[]): Instruction | undefined {
  const positionOf = (offset = 0) => line.position(offset, line.text.slice(offset).search(/\s|$/));
  return collect(diagnostics, positionOf, () => {
    const raw = cutInstruction(line.text, reader.escapeCharacter, reader);
    const position = line.position(0, line.text.trimEnd().length);
    const instruction = parseInstruction(raw, position, (message, hint) =>
      diagnostics.push(warningAt(positionOf(), message, hint)),
    );
    if (instruction.type === 'onbuild') checkTrigger(instruction.expression, reader);
    return instruction;
  });
}

/** Whether the carried instruction is right is told where it is written, not where the image is used. */
function checkTrigger(expression: string, reader: LineReader): void {
  const directive = reader.escapeCharacter === '\\' ? '' : `# escape=${reader.escapeCharacter}\n`;
  try {
    parseTrigger(`${directive}${expression}`, '');
  } catch (error) {
    const first =
      error instanceof InvalidDockerfileError ? error.diagnostics.find((each) => each.severity === 'error') : undefined;
    if (first === undefined) throw error;
    throw new Problem(`ONBUILD: ${first.message}`, first.hint);
  }
}

/** undefined: it was wrong, and is in `diagnostics` now. */
function collect<Result>(
  diagnostics: Diagnostic[],
  positionOf: (offset?: number) => Position,
  body: () => Result,
): Result | undefined {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    diagnostics.push(errorAt(positionOf(error.offset), error.message, error.hint));
    return undefined;
  }
}
