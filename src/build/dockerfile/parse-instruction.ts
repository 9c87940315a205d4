import { didYouMean } from '../../lib/nearest.ts';
import type { Position } from '../../model/diagnostic.ts';
import { parseFlags } from './flags.ts';
import type { Arg, Command, From, Instruction, Onbuild, Pair, Run } from './instruction.ts';
import { mountFrom, parseMount } from './mount.ts';
import { parseHealthcheck } from './parse-healthcheck.ts';
import { parseAdd, parseCopy } from './parse-transfer.ts';
import { Problem } from './problems.ts';
import { jsonArray, plainWords, quotedWords, type RawInstruction, type Word } from './raw-instruction.ts';

/** Told what a file should better not say. */
export type Warn = (message: string, hint?: string) => void;

type Parser = (raw: RawInstruction, position: Position, warn: Warn) => Instruction;

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

const parsers: Readonly<Record<string, Parser>> = {
  FROM: parseFrom,
  RUN: parseRun,
  CMD: commandOf('cmd'),
  ENTRYPOINT: commandOf('entrypoint'),
  LABEL: pairsOf('label'),
  ENV: pairsOf('env'),
  EXPOSE: parseExpose,
  ADD: parseAdd,
  COPY: parseCopy,
  VOLUME: parseVolume,
  USER: textOf('user'),
  WORKDIR: textOf('workdir'),
  STOPSIGNAL: textOf('stopsignal'),
  ARG: parseArg,
  ONBUILD: parseOnbuild,
  HEALTHCHECK: parseHealthcheck,
  SHELL: parseShell,
  MAINTAINER: parseMaintainer,
};

/** One instruction with its arguments checked. Throws a `Problem`. */
export function parseInstruction(raw: RawInstruction, position: Position, warn: Warn): Instruction {
  const parser = Object.hasOwn(parsers, raw.keyword) ? parsers[raw.keyword] : undefined;
  if (parser === undefined) {
    const keyword = raw.keyword.length > 40 ? `${raw.keyword.slice(0, 40)}…` : raw.keyword;
    throw new Problem(`there is no instruction ${keyword}`, didYouMean(raw.keyword, Object.keys(parsers)));
  }
  return parser(raw, position, warn);
}

function parseFrom(raw: RawInstruction, position: Position): From {
  const words = plainWords(required(raw));
  const [base, as, name, ...more] = words;
  if (base === undefined || more.length > 0 || (words.length === 3 && as?.text.toLowerCase() !== 'as')) {
    throw new Problem('FROM has more than an image', 'Write FROM IMAGE or FROM IMAGE AS NAME', words.at(-1)?.offset);
  }
  if (words.length === 2) throw new Problem('FROM has two words', 'Write FROM IMAGE AS NAME', as?.offset);
  if (name !== undefined && !STAGE_NAME.test(name.text.toLowerCase())) {
    const hint = 'It begins with a letter and has letters, digits, "-", "_" and "."';
    throw new Problem(`${JSON.stringify(name.text)} is no name for a stage`, hint, name.offset);
  }
  const platform = parseFlags(raw, { platform: 'text' }).text('platform');
  return {
    type: 'from',
    position,
    base: base.text,
    ...(platform !== undefined && { platform }),
    ...(name !== undefined && { name: name.text.toLowerCase() }),
  };
}

function parseRun(raw: RawInstruction, position: Position, warn: Warn): Run {
  const flags = parseFlags(raw, { mount: 'list', network: 'text', security: 'text' });
  const mounts = flags.list('mount');
  for (const { text, offset } of mounts) {
    try {
      mountFrom(text);
      // With variables it can be checked only once they have values.
      if (!text.includes('$')) parseMount(text, (value) => value);
    } catch (error) {
      throw error instanceof Problem ? new Problem(error.message, error.hint, offset) : error;
    }
  }
  required(raw);
  const command = commandFrom(raw, warn);
  if (command.form === 'exec' && command.argv.length === 0) throw new Problem('RUN has no command');
  return {
    type: 'run',
    position,
    command,
    mounts: texts(mounts),
    network: choice(flags.text('network'), 'network', ['default', 'none', 'host']),
    security: choice(flags.text('security'), 'security', ['sandbox', 'insecure']),
  };
}

/** The first of `values` when nothing is given. */
function choice<Value extends string>(given: string | undefined, name: string, values: readonly [Value, ...Value[]]) {
  const found = given === undefined ? values[0] : values.find((each) => each === given);
  if (found === undefined) {
    const hint = didYouMean(given ?? '', values) ?? `It is ${values.join(', ')}`;
    throw new Problem(`--${name} of RUN is ${JSON.stringify(given)}`, hint);
  }
  return found;
}

/** CMD and ENTRYPOINT may be empty: they then take away what the base image has. */
function commandOf(type: 'cmd' | 'entrypoint'): Parser {
  return (raw, position, warn) => {
    parseFlags(raw, {});
    return { type, position, command: commandFrom(raw, warn) };
  };
}

/** Exec form where it is a JSON array, otherwise shell form. */
export function commandFrom(
  { rest, heredocs, keyword }: Pick<RawInstruction, 'rest' | 'heredocs' | 'keyword'>,
  warn: Warn,
): Command {
  if (rest.text === '') return { form: 'exec', argv: [] };
  const argv = jsonArray(rest.text);
  if (argv !== undefined) return { form: 'exec', argv };
  if (/^\[.*\]$/s.test(rest.text) && !rest.text.startsWith('[ ')) {
    warn(
      `${keyword} looks like JSON form and is not: it is given to a shell`,
      'JSON has double quotes, and no comma at the end',
    );
  }
  return { form: 'shell', line: rest.text, heredocs };
}

function pairsOf(type: 'env' | 'label'): Parser {
  return (raw, position, warn) => {
    parseFlags(raw, {});
    const { keyword, escapeCharacter } = raw;
    const words = quotedWords(required(raw), escapeCharacter);
    if (words[0]?.text.includes('=') !== true) return { type, position, pairs: [oldPair(raw, warn)] };
    const pairs = words.map(({ text, offset }): Pair => {
      const equals = text.indexOf('=');
      const word = JSON.stringify(text);
      if (equals === -1)
        throw new Problem(
          `${keyword}: there is no "=" in ${word}`,
          'Write NAME=VALUE; quote a value with blanks',
          offset,
        );
      if (equals === 0) throw new Problem(`${keyword}: ${word} has no name`, 'Write NAME=VALUE', offset);
      return { name: text.slice(0, equals), value: text.slice(equals + 1) };
    });
    return { type, position, pairs };
  };
}

/** `ENV name value`: all behind the name is the value. */
function oldPair({ rest, keyword }: RawInstruction, warn: Warn): Pair {
  const [, name = '', value] = /^([^\t\v\f\r ]+)[\t\v\f\r ]+(.*)$/s.exec(rest.text) ?? [];
  if (value === undefined)
    throw new Problem(`${keyword} has a name and no value`, `Write ${keyword} NAME=VALUE`, rest.offset);
  warn(`${keyword} without "=" is the old form`, `Write ${keyword} ${name}=VALUE`);
  return { name, value };
}

function parseArg(raw: RawInstruction, position: Position): Arg {
  parseFlags(raw, {});
  const found = quotedWords(required(raw), raw.escapeCharacter).map(({ text, offset }) => {
    const equals = text.indexOf('=');
    if (equals === 0) throw new Problem(`ARG: ${JSON.stringify(text)} has no name`, 'Write ARG NAME=DEFAULT', offset);
    return equals === -1 ? { name: text } : { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  return { type: 'arg', position, arguments: found };
}

function parseExpose(raw: RawInstruction, position: Position): Instruction {
  parseFlags(raw, {});
  return { type: 'expose', position, ports: texts(plainWords(required(raw))) };
}

function parseVolume(raw: RawInstruction, position: Position): Instruction {
  parseFlags(raw, {});
  const paths = (jsonArray(required(raw).text) ?? texts(plainWords(raw.rest))).map((path) => path.trim());
  if (paths.length === 0 || paths.includes(''))
    throw new Problem('VOLUME has an empty path', 'Write VOLUME /PATH', raw.rest.offset);
  return { type: 'volume', position, paths };
}

function textOf(type: 'user' | 'workdir' | 'stopsignal'): Parser {
  return (raw, position) => {
    parseFlags(raw, {});
    return { type, position, text: required(raw).text };
  };
}

function parseMaintainer(raw: RawInstruction, position: Position, warn: Warn): Instruction {
  parseFlags(raw, {});
  warn('MAINTAINER is out of use', 'Write LABEL org.opencontainers.image.authors="NAME"');
  return { type: 'maintainer', position, text: required(raw).text };
}

function parseShell(raw: RawInstruction, position: Position): Instruction {
  parseFlags(raw, {});
  const argv = jsonArray(required(raw).text);
  if (argv === undefined || argv.length === 0) {
    throw new Problem('SHELL is no JSON array of strings', 'Write SHELL ["/bin/bash", "-c"]', raw.rest.offset);
  }
  return { type: 'shell', position, argv };
}

function parseOnbuild(raw: RawInstruction, position: Position): Onbuild {
  parseFlags(raw, {});
  const keyword = required(raw).text.split(/\s/, 1)[0]?.toUpperCase() ?? '';
  if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(keyword)) {
    throw new Problem(`ONBUILD cannot carry ${keyword}`, undefined, raw.rest.offset);
  }
  const heredocs = raw.heredocs.map(({ name, content }) => `\n${content}${name}`);
  return { type: 'onbuild', position, expression: `${raw.rest.text}${heredocs.join('')}` };
}

/** The arguments, of which there must be one. */
export function required({ keyword, rest }: Pick<RawInstruction, 'keyword' | 'rest'>): Word {
  if (rest.text === '') throw new Problem(`${keyword} has no arguments`);
  return rest;
}

function texts(words: readonly Word[]): readonly string[] {
  return words.map(({ text }) => text);
}
