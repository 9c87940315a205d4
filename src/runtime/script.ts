import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { ContainerPaths } from '../store/paths.ts';
import type { LaunchConfig, NamespaceHolder } from './config.ts';
import { beginScript, runLauncher } from './script-parts.ts';
import { endsInput, hasRelay, logTarget } from './streams.ts';

export type ScriptConfig = Pick<LaunchConfig, 'spec' | 'run' | 'paths' | 'cgroupJoinFiles' | 'holders'>;

/** Descriptor of the status pipe. */
export const STATUS = 3;
/** Descriptor of a directory in /proc, that of the first process of a container whose namespace is shared. */
export const HOLDER = 8;

/**
 * The launch script, for dash, bash and busybox. Two stages in one process: the first writes down who it is and becomes
 * `unshare`, which comes back with the word `wait`; a process's first child after unshare(2) is pid 1 of the new
 * namespace. The second stage waits for that child, in the host's namespaces and outside the container's cgroups, with
 * nothing but builtins: it could not fork another child once pid 1 is gone.
 *
 * Descriptor 3 is the status pipe: closed without a byte when the program has been executed.
 */
export function launchScript({ spec, run, paths, cgroupJoinFiles, holders = {} }: ScriptConfig): string {
  const namespaces = [
    ...(spec.namespaces.pid === 'private' ? ['--pid'] : []),
    ...(spec.namespaces.time === 'private' ? ['--time'] : []),
  ];
  const again = `${namespaces.length === 0 ? '' : `unshare ${namespaces.join(' ')} -- `}/bin/sh "$0" wait`;
  const relay = hasRelay(spec);
  const join = cgroupJoinFiles.map((file) => `    echo 0 >${shellQuote(file)}\n`).join('');
  return `#!/bin/sh
# Start ${run} of ${JSON.stringify(spec.name)}. Run it as root: sh ${JSON.stringify(paths.launchScript)}
set -eu
${holders.ipc === undefined && holders.pid === undefined ? '' : FIND_HOLDER}case \${1-} in
'')
${beginScript(paths)}${
  relay
    ? `  exec ${shellQuote(paths.streams)}
  ;;
relay)
${relayStage(spec, paths)}`
    : ''
}${holders.pid === undefined ? `  exec ${again}` : `${findHolder(holders.pid)}  exec nsenter --no-fork --pid=/proc/self/fd/${HOLDER}/ns/pid -- ${again}`}
  ;;
wait)
${holders.pid === undefined ? '' : `  exec ${HOLDER}<&-\n`}  # Ends with the container, not before.
  trap '' HUP INT QUIT TERM
  (
    read -r stat </proc/self/stat
    printf '%s\\n' "$stat" >${shellQuote(paths.init)}
${holders.ipc === undefined ? '' : findHolder(holders.ipc)}${join}    ${runLauncher(spec, paths)}${endStage(spec)}  echo "${run} $status" >${shellQuote(paths.exit)}
  ;;
esac
`;
}

/**
 * Looks who the first process of a container is now, and opens its directory in /proc: whatever happens to its number, the
 * descriptor is that process's. Field 22 of proc_pid_stat(5), the 20th behind the name, is when it started.
 */
const FIND_HOLDER = `# find_holder STAT_FILE CONTAINER
find_holder() {
  name=$2 then='' now=''
  if [ -r "$1" ]; then read -r then <"$1" || :; fi
  if [ -z "$then" ] || [ ! -d "/proc/\${then%% *}" ]; then lost; fi
  exec ${HOLDER}<"/proc/\${then%% *}"
  read -r now 2>/dev/null </proc/self/fd/${HOLDER}/stat || lost
  set -- \${then##*) }
  then=\${20}
  set -- \${now##*) }
  if [ "$then" != "\${20}" ] || [ "$1" = Z ]; then lost; fi
}
lost() {
  printf '%s\\n' "container $name does not run, and a namespace of it is shared" >&2
  exit 125
}
`;

function findHolder({ init, name }: NamespaceHolder): string {
  return `  find_holder ${shellQuote(init)} ${shellQuote(name)}\n`;
}

/**
 * Who holds the other end of standard streams from outside: no process of ours is in the container, and no signal to the
 * daemon reaches it. Of a terminal it copies the output into the log and the named pipe into the input, until the last
 * program that has the terminal open ends. Of a pipe it keeps the writing end until a client has one.
 */
function relayStage(spec: ContainerSpec, paths: ContainerPaths): string {
  const input = spec.stdinOpen ? `    cat <>${shellQuote(paths.stdin)} >&8 5>&- &\n` : '';
  const copy = `    exec 3>&- 4<&- 6<&- 7<&-
${input}    # A terminal that nobody has open any more reads as EIO.
    cat <&8 >>${shellQuote(logTarget(spec, paths.log))} || :
    # Where the log takes no more, the program goes on.
    cat <&8 || :
${input === '' ? '' : '    kill -9 $!\n'}`;
  const hold = `    exec 3>&- 6<&-
    read -r go <&5
`;
  return `  (
    trap '' HUP INT QUIT TERM
${spec.tty ? copy : hold}  ) </dev/null >/dev/null 2>&1 &
  exec ${spec.tty ? '5>&- 8>&-' : '4>&-'}
`;
}

/** The log is whole when the end is told; in a pid namespace of its own nobody is left then who could write. */
function endStage(spec: ContainerSpec): string {
  if (endsInput(spec)) return '  echo go >&5\n';
  return spec.tty && spec.namespaces.pid === 'private' ? '  read -r end <&4 || :\n' : '';
}
