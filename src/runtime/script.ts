import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { ContainerPaths } from '../store/paths.ts';

export interface ScriptConfig {
  readonly spec: ContainerSpec;
  readonly run: number;
  readonly paths: ContainerPaths;
  readonly cgroupProcsFiles: readonly string[];
}

/**
 * The launch script, for dash, bash and busybox. Two stages in one process: the first writes down who it is and becomes
 * `unshare`, which comes back with the word `wait`; a process's first child after unshare(2) is pid 1 of the new
 * namespace. The second stage waits for that child, in the host's namespaces and outside the container's cgroups, with
 * nothing but builtins: it could not fork another child once pid 1 is gone.
 *
 * Descriptor 3 is the status pipe: closed without a byte when the program has been executed.
 */
export function launchScript({ spec, run, paths, cgroupProcsFiles }: ScriptConfig): string {
  const namespaces = [
    ...(spec.namespaces.pid === 'private' ? ['--pid'] : []),
    ...(spec.namespaces.time === 'private' ? ['--time'] : []),
  ];
  const again = '/bin/sh "$0" wait';
  const join = cgroupProcsFiles.map((file) => `    echo 0 >${shellQuote(file)}\n`).join('');
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
  exec ${namespaces.length === 0 ? again : `unshare ${namespaces.join(' ')} -- ${again}`}
  ;;
wait)
  # Ends with the container, not before.
  trap '' HUP INT QUIT TERM
  (
    read -r stat </proc/self/stat
    printf '%s\\n' "$stat" >${shellQuote(paths.init)}
${join}    exec 9<${shellQuote(paths.launcher)}
    # The launcher makes standard error what standard output is, when it runs.
    exec /proc/self/fd/9 </dev/null >>${shellQuote(paths.log)}
  ) &
  exec 2>/dev/null >&2 3>&-
  status=0
  wait $! || status=$?
  echo "${run} $status" >${shellQuote(paths.exit)}
  ;;
esac
`;
}
