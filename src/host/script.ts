import { isUtf8 } from 'node:buffer';
import { exhaustive } from '../lib/exhaustive.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import type { HostOp, Owner } from './op.ts';
import { SECRET_MOUNT_OPTIONS } from './secrets.ts';

/** Operations as lines for a POSIX shell that do the same. */
export function renderOperations(operations: readonly HostOp[]): string {
  return operations.map(render).join('\n');
}

function render(op: HostOp): string {
  switch (op.op) {
    case 'mkdir':
      return `mkdir -p ${mode(op.mode)}${shellQuote(op.path)}`;
    case 'write-file':
      return (
        writeFile(op.path, op.data, op.mode ?? 0o644) +
        (op.owner ? `\n${own(op.path, op.owner, op.mode ?? 0o644)}` : '')
      );
    case 'write-secret':
      return secret(op);
    case 'remove-secrets':
      return removeSecrets(op);
    case 'write-in-place':
      return `${op.tolerateAbsent === true ? `[ ! -e ${shellQuote(op.path)} ] || ` : ''}printf %s ${shellQuote(op.data)} > ${shellQuote(op.path)}`;
    case 'remove':
      return `rm -rf --one-file-system ${shellQuote(op.path)}`;
    case 'rmdir':
      return removeDirectory(op);
    case 'ip': {
      const ip = op.netns === undefined ? 'ip' : `ip -n ${shellQuote(op.netns)}`;
      const line = `${ip} ${op.args.map(shellQuote).join(' ')}`;
      if (op.evict !== undefined) {
        return `${line} 2>/dev/null || { ${ip} ${op.evict.map(shellQuote).join(' ')} 2>/dev/null; ${line}; }`;
      }
      return `${line}${op.tolerate === undefined ? '' : ' 2>/dev/null || :'}`;
    }
    case 'tc':
      return `tc ${op.args.map(shellQuote).join(' ')}${op.tolerate === undefined ? '' : ' 2>/dev/null || :'}`;
    case 'nft':
      return hereDocument(op.tolerate === undefined ? 'nft -f -' : 'nft -f - 2>/dev/null || :', op.script);
    case 'run': {
      const line = op.argv.map(shellQuote).join(' ');
      return op.stdin === undefined ? line : hereDocument(line, op.stdin);
    }
    case 'launch':
      return launch(op.script);
    case 'copy-into': {
      const target = shellQuote(`${op.root}/${op.target}`);
      return op.source === undefined ? `rm -f ${target}` : `cp ${shellQuote(op.source)} ${target}`;
    }
    case 'kill':
      return `kill -${op.signal} ${op.pid} 2>/dev/null || :`;
    default:
      return exhaustive(op);
  }
}

function removeDirectory(op: Extract<HostOp, { readonly op: 'rmdir' }>): string {
  const path = shellQuote(op.path);
  const remove = op.tree === true ? `find ${path} -depth -type d -exec rmdir {} +` : `rmdir ${path}`;
  return `[ ! -d ${path} ] || ${remove}${op.tolerateNonEmpty === true ? ' 2>/dev/null || :' : ''}`;
}

/** chown(2) takes set-user-ID bits off the mode. */
function own(path: string, { uid, gid }: Owner, bits: number): string {
  return `chown ${uid}:${gid} ${shellQuote(path)}\nchmod ${bits.toString(8)} ${shellQuote(path)}`;
}

/** A gap: the data is not here, and whoever runs the script puts it there. */
function secret(op: Extract<HostOp, { readonly op: 'write-secret' }>): string {
  const [root, path] = [shellQuote(op.root), shellQuote(op.path)];
  const mounts = SECRET_MOUNT_OPTIONS.map((options) => `mount -t tmpfs -o ${options} tsstack-secrets ${root}`);
  const missing = `Put the secret "${op.name}" into ${op.path} and begin again: this script does not hold it`;
  return [
    `mkdir -p -m 700 ${root}`,
    `mountpoint -q ${root} || ${mounts.join(' 2>/dev/null || ')}`,
    `mkdir -p -m 700 ${shellQuote(op.path.slice(0, op.path.lastIndexOf('/')))}`,
    `[ -e ${path} ] || { echo ${shellQuote(missing)} >&2; exit 1; }`,
    own(op.path, op.owner, op.mode),
  ].join('\n');
}

function removeSecrets({ root, directory }: Extract<HostOp, { readonly op: 'remove-secrets' }>): string {
  const quoted = shellQuote(root);
  const last = `[ ! -d ${quoted} ] || [ -n "$(ls -A ${quoted})" ]`;
  return `rm -rf ${shellQuote(directory)}\n${last} || { umount ${quoted} 2>/dev/null || :; rmdir ${quoted}; }`;
}

function mode(bits: number | undefined): string {
  return bits === undefined ? '' : `-m ${bits.toString(8)} `;
}

function writeFile(path: string, data: string | Uint8Array, bits: number): string {
  const quoted = shellQuote(path);
  const text = textOf(typeof data === 'string' ? Buffer.from(data) : data);
  const write =
    text === undefined
      ? hereDocument(`base64 -d > ${quoted}`, base64Lines(data))
      : `printf %s ${shellQuote(text)} > ${quoted}`;
  return `${write}\nchmod ${bits.toString(8)} ${quoted}`;
}

/** undefined for what a word of the shell cannot hold. */
function textOf(data: Uint8Array): string | undefined {
  return isUtf8(data) && !data.includes(0) ? Buffer.from(data).toString() : undefined;
}

function base64Lines(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64').replace(/.{76}/g, '$&\n');
}

/** The end mark is quoted: the shell takes every line as it stands. */
function hereDocument(command: string, text: string): string {
  let mark = 'END';
  while (text.split('\n').includes(mark)) mark += 'X';
  return `${command} <<'${mark}'\n${text.endsWith('\n') ? text : `${text}\n`}${mark}`;
}

/** Descriptor 3 is where the launcher reports; by hand that is the terminal. The script runs on in the background. */
function launch(script: string): string {
  const init = `${script.slice(0, script.lastIndexOf('/'))}/init.stat`;
  return [
    `setsid sh ${shellQuote(script)} </dev/null >/dev/null 3>&2 &`,
    `tries=0; until [ -s ${shellQuote(init)} ] || [ $tries -ge 100 ]; do sleep 0.1; tries=$((tries+1)); done`,
  ].join('\n');
}
