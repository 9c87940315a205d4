import type { Step } from '../dockerfile/expand.ts';
import { type Command, type StageInstruction, script } from '../dockerfile/instruction.ts';

/** As much of an instruction as one line holds. */
const LONGEST = 1000;

/** An instruction as people read it, on one line. */
export function describe(step: Step | StageInstruction): string {
  return oneLine(`${step.type.toUpperCase()} ${words(step)}`);
}

/** What history says of a RUN: with the shell that executes it. */
export function describeRun(command: Command, shell: readonly string[]): string {
  if (command.form === 'exec') return oneLine(`RUN ${JSON.stringify(command.argv)}`);
  return oneLine(`RUN ${[...shell, commandText(command)].join(' ')}`);
}

function words(step: Step | StageInstruction): string {
  switch (step.type) {
    case 'run':
    case 'cmd':
    case 'entrypoint':
      return commandText(step.command);
    case 'copy':
    case 'add': {
      const from = step.type === 'copy' && step.from !== undefined ? [`--from=${step.from}`] : [];
      const owner = step.chown === undefined ? [] : [`--chown=${step.chown}`];
      const mode = step.chmod === undefined ? [] : [`--chmod=${step.chmod}`];
      const heredocs = step.heredocs.map(({ name }) => `<<${name}`);
      return [...from, ...owner, ...mode, ...step.sources, ...heredocs, step.destination].join(' ');
    }
    case 'healthcheck':
      return step.command === undefined ? 'NONE' : `CMD ${commandText(step.command)}`;
    case 'arg':
      return step.arguments.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(' ');
    case 'onbuild':
      return step.expression;
    case 'env':
    case 'label':
      return step.pairs.map(({ name, value }) => `${name}=${value}`).join(' ');
    case 'expose':
      return step.ports.join(' ');
    case 'volume':
      return step.paths.join(' ');
    case 'shell':
      return JSON.stringify(step.argv);
    default:
      return step.text;
  }
}

function commandText(command: Command): string {
  if (command.form === 'exec') return JSON.stringify(command.argv);
  const written = script(command);
  return written.type === 'shell' ? written.line : written.content;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s*\n\s*/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
