import { readdirSync } from 'node:fs';
import { Bundles } from '../src/cli/bundles.ts';

/**
 * Runs what users run most through the bundles of dist/ and keeps the bytecode of all that was called (`Bundles`). What
 * is printed means nothing.
 */
const root = `${import.meta.dirname}/..`;
const bundles = new Bundles(`${root}/dist`);
const { runCli } = bundles.load('cli.cjs') as typeof import('../src/cli/cli.ts');

const stacks = readdirSync(`${root}/examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `${root}/examples/${name}/stack.yaml`);
const commands = [
  ['version'],
  ['--help'],
  ['up', '--help'],
  ...stacks.flatMap((file) => [
    ['-f', file, 'config'],
    ['-f', file, 'config', '--format', 'json'],
  ]),
];
for (const argv of commands) await runCli(argv, `${root}/dist/daemon.js`);
bundles.save();
