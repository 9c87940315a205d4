import type { LoginRequest, LoginResult } from '../../daemon/image-api.ts';
import { readAtMost } from '../../lib/read-at-most.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { flag, value } from '../options.ts';

/** More is no password. */
const MOST_BYTES = 64 * 1024;

/** `tsstack login`. */
export const command = defineCommand({
  name: 'login',
  summary: 'Try credentials with a registry and keep them, as docker login does',
  operands: '[REGISTRY]',
  options: {
    username: value('u', 'NAME', 'The user; asked for on a terminal'),
    'password-stdin': flag('', 'Read the password from standard input instead of asking for it'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack login registry.test', does: 'asks for name and password' },
    { command: 'tsstack login -u me --password-stdin registry.test < token', does: 'for scripts' },
  ],
  run: async (context, { options, operands }) => {
    const [registry = '', ...more] = operands;
    if (more.length > 0) throw new TsstackError('usage', `login takes one registry, got "${operands.join(' ')}"`);
    const username = options.username ?? (await ask(context, 'User name: '));
    const password = options['password-stdin'] ? readPassword() : await ask(context, 'Password: ', true);
    const request: LoginRequest = { registry, username, password, env: context.env };
    const { place } = await context.client.post<LoginResult>('/v1/login', request);
    if (context.format === 'json') context.out.write(`${JSON.stringify({ place })}\n`);
    else context.err.write(`Logged in; the credentials are kept in ${place}\n`);
    return EXIT.done;
  },
});

function readPassword(): string {
  return readAtMost(0, MOST_BYTES)
    .toString()
    .replace(/\r?\n$/, '');
}

/** On a terminal; `hidden`: what is typed is not shown. */
async function ask(context: Context, question: string, hidden = false): Promise<string> {
  if (!process.stdin.isTTY || !context.err.isTerminal) {
    throw new TsstackError('usage', 'There is no terminal to ask for credentials on', {
      hint: 'Use: tsstack login -u NAME --password-stdin REGISTRY < FILE',
    });
  }
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (hidden) context.err.write(question);
  const lines = createInterface({ input: process.stdin, output: hidden ? silent : process.stderr, terminal: true });
  try {
    return await lines.question(hidden ? '' : question);
  } finally {
    lines.close();
    if (hidden) context.err.write('\n');
  }
}
