import { COLOR, PLAIN, type Style } from './style.ts';

/** Where text goes: standard output or standard error. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
  write(text: string): void;
}

/** Colour only on a terminal, and not with NO_COLOR (https://no-color.org) or TERM=dumb. */
export function openTerminal(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true;
  const color = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    isTerminal,
    get columns() {
      return isTerminal ? stream.columns : Number.POSITIVE_INFINITY;
    },
    get rows() {
      return isTerminal ? stream.rows : Number.POSITIVE_INFINITY;
    },
    style: color ? COLOR : PLAIN,
    write: (text) => void stream.write(text),
  };
}
