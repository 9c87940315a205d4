import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { ContainerPaths } from '../store/paths.ts';
import { endsInput, hasErrorLog, hasRelay, logTarget } from './streams.ts';

export interface ScriptConfig {
  readonly spec: ContainerSpec;
  readonly run: number;
  readonly paths: ContainerPaths;
  readonly cgroupJoinFiles: readonly string[];
}

/**
 * The launch script, for dash, bash and busybox. Two stages in one process: the first writes down who it is and becomes
 * `unshare`, which comes back with the word `wait`; a process's first child after unshare(2) is pid 1 of the new
 * namespace. The second stage waits for that child, in the host's namespaces and outside the container's cgroups, with
 * nothing but builtins: it could not fork another child once pid 1 is gone.
 *
 * Descriptor 3 is the status pipe: closed without a byte when the program has been executed.
 */
export function launchScript({ spec, run, paths, cgroupJoinFiles }: ScriptConfig): string {
  const namespaces = [
    ...(spec.namespaces.pid === 'private' ? ['--pid'] : []),
    ...(spec.namespaces.time === 'private' ? ['--time'] : []),
  ];
  const again = '/bin/sh "$0" wait';
  const relay = hasRelay(spec);
  const join = cgroupJoinFiles.map((file) => `    echo 0 >${shellQuote(file)}\n`).join('');
  return `#!/bin/sh
# Start ${run} of ${JSON.stringify(spec.name)}. Run it as root: sh ${JSON.stringify(paths.launchScript)}
set -eu
case \${1-} in
'')
  cd /
  umask 022
  true 2>/dev/null >&3 || exec 3>&2
  exec 2>&3
  # This process, as its parent's namespaces know it, for whoever looks for it later.
  read -r stat </proc/self/stat
  printf '%s\\n' "$stat" >${shellQuote(paths.chain)}
${
  relay
    ? `  exec ${shellQuote(paths.streams)}
  ;;
relay)
${relayStage(spec, paths)}`
    : ''
}  exec ${namespaces.length === 0 ? again : `unshare ${namespaces.join(' ')} -- ${again}`}
  ;;
wait)
  # Ends with the container, not before.
  trap '' HUP INT QUIT TERM
  (
    read -r stat </proc/self/stat
    printf '%s\\n' "$stat" >${shellQuote(paths.init)}
${join}    exec 9<${shellQuote(paths.launcher)}
    # The launcher makes standard error what standard output is, when it runs.
    exec /proc/self/fd/9 </dev/null >>${shellQuote(logTarget(spec, paths.log))}${hasErrorLog(spec) ? ` 2>>${shellQuote(paths.errorLog)}` : ''}
  ) &
  exec 2>/dev/null >&2 3>&-${relay ? ' 6<&- 7<&-' : ''}
  status=0
  wait $! || status=$?
${endStage(spec)}  echo "${run} $status" >${shellQuote(paths.exit)}
  ;;
esac
`;
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
