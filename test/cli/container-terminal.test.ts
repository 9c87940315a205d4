import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { isatty } from 'node:tty';
import { openTerminal } from '../../src/cli/container-terminal.ts';

test('a terminal of a process is opened, and nothing that lies in its place', () => {
  const terminal = openTerminal(`/proc/${process.pid}/root/dev/pts/ptmx`);
  assert.ok(isatty(terminal));
  closeSync(terminal);
  const directory = mkdtempSync(`${tmpdir()}/terminal-`);
  try {
    mkdirSync(`${directory}/dev/pts`, { recursive: true });
    writeFileSync(`${directory}/dev/pts/file`, '');
    symlinkSync('/dev/pts/ptmx', `${directory}/dev/pts/link`);
    symlinkSync('/dev/pts', `${directory}/dev/linked`);
    const before = readdirSync('/proc/self/fd').length;
    assert.throws(() => openTerminal(`${directory}/dev/pts/file`), { code: 'conflict' });
    assert.throws(() => openTerminal(`${directory}/dev/pts/link`), { code: 'conflict' });
    assert.throws(() => openTerminal(`${directory}/dev/linked/ptmx`), { code: /ELOOP|ENOTDIR/ });
    assert.throws(() => openTerminal(`${directory}/dev/pts/none`), { code: 'ENOENT' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
