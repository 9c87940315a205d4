import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { ContainerPaths } from '../store/paths.ts';
import { hasErrorLog, hasRelay, logTarget } from './streams.ts';

/** The begin of every launch script, whoever starts the container: descriptor 3 for what is wrong, and who this process is. */
export function beginScript(paths: ContainerPaths): string {
  return `  cd /
  umask 022
  true 2>/dev/null >&3 || exec 3>&2
  exec 2>&3
  # This process, as its parent's namespaces know it, for whoever looks for it later.
  read -r stat </proc/self/stat
  printf '%s\\n' "$stat" >${shellQuote(paths.chain)}
`;
}

/** Within a subshell, which it ends: becomes the launcher. The shell waits for it, and has `status`. */
export function runLauncher(spec: ContainerSpec, paths: ContainerPaths): string {
  return `exec 9<${shellQuote(paths.launcher)}
    # The launcher makes standard error what standard output is, when it runs.
    exec /proc/self/fd/9 </dev/null >>${shellQuote(logTarget(spec, paths.log))}${hasErrorLog(spec) ? ` 2>>${shellQuote(paths.errorLog)}` : ''}
  ) &
  exec 2>/dev/null >&2 3>&-${hasRelay(spec) ? ' 6<&- 7<&-' : ''}
  status=0
  wait $! || status=$?
`;
}
