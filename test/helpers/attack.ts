import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { syscallTable } from '../../src/runtime/launcher/syscalls.ts';
import type { Project } from './e2e.ts';

/** What attacks are written in: it is on every Debian, sees the host's library without an image, and makes any system call. */
export const PERL = '/usr/bin/perl';

const ARCH = process.arch === 'x64' ? 'x86_64' : 'aarch64';

/**
 * Before every attack: `%N`, numbers of system calls by name, and `attempt NAME, sub`, which prints `held NAME: why` where the
 * sub gives something false or dies, and `ESCAPED NAME: what` where it gives a text. `sys NAME, args` is true where the call
 * succeeds; `$!` says why not. `result NAME, args` is what it gives.
 */
function prelude(): string {
  const numbers = Object.entries(syscallTable(ARCH)).map(([name, number]) => `'${name}',${number}`);
  return `use strict; use warnings; no warnings 'once'; use Fcntl; use Socket; $| = 1;
our %N = (${numbers.join(',')});
sub result { my ($name, @args) = @_; exists $N{$name} or do { $! = 38; return -1 }; return syscall($N{$name}, @args) }
sub sys { return result(@_) != -1 }
sub attempt { my ($name, $code) = @_; $! = 0; my $got = eval { $code->() }; my $why = $@ || "$!"; chomp $why;
  print $got ? "ESCAPED $name: $got\\n" : "held $name: $why\\n" }
sub put { my ($path, $text) = @_; open(my $f, '>', $path) or return; syswrite($f, $text) or return; return close $f }
`;
}

/** Writes an attack of `test/e2e/escapes` where a stack file can mount it from, with what every one begins with. */
export function writeAttack(project: Project, name: string, text?: string): void {
  const body = text ?? readFileSync(new URL(`../e2e/escapes/${name}`, import.meta.url), 'utf8');
  project.write(`${prelude()}\n${body}`, name);
}

/** Where it lies in the project. */
export function attackPath(project: Project, name: string): string {
  return join(project.scratch, name);
}

/** At least so much was tried, to the end (`done`), and nothing succeeded. */
export function assertHeld(output: string, atLeast: number): void {
  const lines = output.split('\n').filter((line) => /^(held|ESCAPED) /.test(line));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('ESCAPED ')),
    [],
    output,
  );
  assert.ok(lines.length >= atLeast && /^done$/m.test(output), output);
}
