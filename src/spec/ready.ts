import type { ReadyTest } from '../model/stack.ts';

const HIGHEST_PORT = 65_535;
/** A pattern is run by the daemon on every line of a log. */
const LONGEST_PATTERN = 1000;
const KINDS = 'tcp:PORT, http:PORT/PATH, file:/PATH or log:"REGEX"';

/** `tcp:5432`, `http:8080/health`, `file:/run/ready`, `log:"started in \d+"`; else what is wrong with it. */
export function parseReady(text: string): ReadyTest | { readonly problem: string } {
  const [, kind = '', rest = ''] = /^(tcp|http|file|log):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case 'tcp':
      return portTest(rest, (port) => ({ type: 'tcp', port }));
    case 'http': {
      const [, digits = '', path = '/'] = /^(\d*)(\/[^\s]*)?$/.exec(rest) ?? [];
      return portTest(digits, (port) => ({ type: 'http', port, path }));
    }
    case 'file':
      return /^\/[^\0]+$/.test(rest) ? { type: 'file', path: rest } : { problem: 'the path must be absolute' };
    case 'log':
      return logTest(rest);
    default:
      return { problem: `write ${KINDS}` };
  }
}

function portTest(digits: string, make: (port: number) => ReadyTest): ReadyTest | { readonly problem: string } {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return port >= 1 && port <= HIGHEST_PORT ? make(port) : { problem: `the port must be 1 to ${HIGHEST_PORT}` };
}

/** Quotes around the pattern are YAML habit, and no part of it. */
function logTest(text: string): ReadyTest | { readonly problem: string } {
  const pattern = /^"(.*)"$/s.exec(text)?.[1] ?? text;
  if (pattern === '') return { problem: 'the regular expression is empty' };
  if (pattern.length > LONGEST_PATTERN) return { problem: `a pattern has at most ${LONGEST_PATTERN} characters` };
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  return { type: 'log', pattern };
}
