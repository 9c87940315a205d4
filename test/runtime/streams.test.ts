import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildLaunch } from '../../src/runtime/launch.ts';
import { listCalls } from '../../src/runtime/launcher/listing.ts';
import { streamsProgram } from '../../src/runtime/streams-program.ts';
import { containerSpec, FACTS, launchConfig } from '../helpers/launch-config.ts';
import { simulate } from '../helpers/launcher-simulator.ts';
import { decodeTable } from '../helpers/launcher-table.ts';

const ARCHITECTURES = ['x86_64', 'aarch64'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

function configOf(changes: Parameters<typeof containerSpec>[0], arch: Architecture = 'x86_64'): LaunchConfig {
  return launchConfig({ spec: containerSpec(changes), kernel: { ...FACTS, version: [6, 6], arch } });
}

const PIPE = { stdinOpen: true, oneOff: { service: 'web', remove: true } } as const;
const SHAPES = {
  terminal: { tty: true, stdinOpen: true },
  mapped: { tty: true, namespaces: { ...containerSpec().namespaces, user: 'private' as const } },
  pipe: PIPE,
};
/** What each descriptor is when the launch script goes on: as its stage `relay` takes them. */
const TERMINAL = {
  4: 'make a pipe that tells the end',
  5: 'make a pipe that tells the end',
  6: 'open the terminal',
  7: 'have it as a mount',
  8: 'open a master',
};
const OPENED = (stdin: string) => ({ 4: `open ${stdin}`, 5: `open ${stdin}.go`, 6: `open ${stdin}` });

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`the streams program of the ${name} container is that of golden/streams-${name}.txt, on both architectures`, () => {
    const file = new URL(`golden/streams-${name}.txt`, import.meta.url);
    const parts = ARCHITECTURES.map((arch) => {
      const config = configOf(shape, arch);
      const calls = streamsProgram(config);
      const { streams } = buildLaunch(config);
      assert.ok(streams !== undefined);
      const rows = decodeTable(arch, streams, calls.length);
      return `${arch === 'x86_64' ? `${listCalls(calls)}\n` : ''}${arch}\n${rows.join('\n')}\n`;
    });
    const text = parts.join('\n');
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });

  test(`the streams program of the ${name} container leaves open what its launch script takes, and nothing else`, () => {
    const config = configOf(shape);
    const calls = streamsProgram(config);
    const tolerant = calls.flatMap((call, index) => (call.tolerate.length > 0 ? [index] : []));
    for (const failing of [[], tolerant, ...tolerant.map((index) => [index])]) {
      // 12: something that was inherited.
      const { open, openedBy } = simulate(calls, new Set(failing), [0, 1, 2, 3, 12]);
      const expected = name === 'pipe' ? OPENED(config.paths.stdin) : TERMINAL;
      assert.deepEqual(openedBy, expected);
      assert.deepEqual(open, [0, 1, 2, 3, ...Object.keys(expected).map(Number)]);
    }
  });
}

test('a container without a terminal whose input does not end has no streams program', () => {
  assert.equal(buildLaunch(configOf({ stdinOpen: true })).streams, undefined);
});

const EMULATOR = '/usr/bin/qemu-aarch64-static';
const NATIVE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

for (const arch of ARCHITECTURES) {
  const skip = arch === NATIVE || (arch === 'aarch64' && existsSync(EMULATOR)) ? false : `no ${arch} and no emulator`;
  describe(`streams program for ${arch}`, { skip }, () => {
    test('makes and opens the pipes, whether they are there or not, and goes on with the launch script', () => {
      const directory = mkdtempSync(join(tmpdir(), 'tsstack-streams-'));
      try {
        const config = configOf(PIPE, arch);
        const own = { stdin: join(directory, 'stdin'), launchScript: join(directory, 'launch.sh') };
        const { streams } = buildLaunch({ ...config, paths: { ...config.paths, ...own } });
        assert.ok(streams !== undefined);
        const path = join(directory, 'streams');
        writeFileSync(path, streams, { mode: 0o700 });
        writeFileSync(own.launchScript, 'echo "$1"; for fd in 4 5 6; do readlink "/proc/$$/fd/$fd"; done; exit 7\n');
        const argv = arch === NATIVE ? [path] : [EMULATOR, path];
        for (let times = 0; times < 2; times += 1) {
          const [command = '', ...args] = argv;
          const { status, stdout } = spawnSync(command, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
          assert.equal(String(stdout), `relay\n${own.stdin}\n${own.stdin}.go\n${own.stdin}\n`);
          assert.equal(status, 7);
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });
}
