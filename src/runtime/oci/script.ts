import { shellQuote } from '../../lib/shell-quote.ts';
import { deviceRuleText } from '../../model/device-rule.ts';
import type { LaunchConfig, OciFacts } from '../config.ts';
import { beginScript, runLauncher } from '../script-parts.ts';
import { endsInput, hasRelay, logTarget } from '../streams.ts';
import { bundlePaths, CONSOLE_SOCKET, containerId } from './bundle.ts';
import { programsDevices, runtimeTraits } from './runtimes.ts';

/**
 * The launch script of a container that an OCI runtime starts, for dash, bash and busybox. Stage `wait` is the same process
 * from the first to the last, as in a built-in start: it waits for the launcher, which ends as pid 1 ends. Stage `start`
 * is run by the launcher's child, where the bundle is filled: it has the runtime create and start the container, and
 * reports on descriptor 3 what the runtime had to say against it.
 */
export function ociScript(config: LaunchConfig, oci: OciFacts): string {
  const { spec, run, paths } = config;
  const relay = hasRelay(spec);
  const again = '/bin/sh "$0" wait';
  const clock = spec.namespaces.time === 'private' ? 'unshare --time -- ' : '';
  return `#!/bin/sh
# Start ${run} of ${JSON.stringify(spec.name)} by ${JSON.stringify(oci.program)}. Run it as root: sh ${JSON.stringify(paths.launchScript)}
set -eu
case \${1-} in
'')
${beginScript(paths)}${relay ? `  exec ${shellQuote(paths.streams)}\n  ;;\n${relayStages(config)}` : ''}  exec ${clock}${again}
  ;;
wait)
  # Ends with the container, not before.
  trap '' HUP INT QUIT TERM
  (
    ${runLauncher(spec, paths)}${endStage(config, oci)}  echo "${run} $status" >${shellQuote(paths.exit)}
  ;;
${startStage(config, oci)}esac
`;
}

/** In the bundle's mount namespace and directory. The runtime has no status pipe: it would hold it, or give it away. */
function startStage(config: LaunchConfig, { program, deviceRules }: OciFacts): string {
  const { spec, paths, cgroupJoinFiles } = config;
  const bundle = bundlePaths(paths);
  const traits = runtimeTraits(program);
  const id = shellQuote(containerId(spec));
  const runtime = `${shellQuote(program)} --root ${shellQuote(bundle.state)} --log ${shellQuote(bundle.log)} --log-format json`;
  const join = traits.leavesCgroups ? cgroupJoinFiles.map((file) => `    echo 0 >${shellQuote(file)}\n`).join('') : '';
  const create = [
    `${runtime}${traits.leavesCgroups ? ' --cgroup-manager=disabled' : ''} create --bundle .`,
    `--pid-file ${shellQuote(bundle.pid)}`,
    ...(spec.tty ? [`--console-socket ${CONSOLE_SOCKET}`] : []),
    id,
  ].join(' ');
  return `start)
  fail() {
    # What it says of itself; what is already there would be in the way of the next start.
    { cat ${shellQuote(bundle.log)}; echo "\${2-${traits.name}} ended with status $1"; } >&3 2>/dev/null
    ${runtime} delete --force ${id} >/dev/null 2>&1 3>&- || :
    exit 125
  }
  (
${join}    exec 3>&-
    exec ${create}
  ) || fail $?
${traits.leavesCgroups ? '' : denyDevices(config, deviceRules)}${programsDevices(traits) ? takeDevices(config) : ''}  read -r pid <${shellQuote(bundle.pid)} || :
  read -r stat <"/proc/$pid/stat" || fail $?
  printf '%s\\n' "$stat" >${shellQuote(paths.init)}
  ${runtime} start ${id} </dev/null 3>&- || fail $?
  ;;
`;
}

/**
 * cgroup v1: the rules once more, before the program runs. A runtime adds some of its own to those that it is told: runc
 * up to 1.1 those of /dev/net/tun.
 */
function denyDevices({ kernel, cgroupJoinFiles }: LaunchConfig, rules: OciFacts['deviceRules']): string {
  const hierarchy = kernel.cgroupMounts.find(({ options }) => options.split(',').includes('devices'));
  const joined = cgroupJoinFiles.find((file) => hierarchy !== undefined && file.startsWith(`${hierarchy.path}/`));
  if (joined === undefined || rules === 'all') return '';
  const file = (name: string) => shellQuote(joined.replace(/[^/]+$/, name));
  return `  echo a >${file('devices.deny')} || fail $?
  for rule in ${rules.map((rule) => shellQuote(deviceRuleText(rule))).join(' ')}; do
    echo "$rule" >${file('devices.allow')} || fail $?
  done
`;
}

/** cgroup v2: the same, by the program of a built-in start in the place of the runtime's. */
function takeDevices({ devices, paths }: LaunchConfig): string {
  if (devices === undefined) return '';
  return `  ${shellQuote(bundlePaths(paths).devices)} 2>/dev/null 3>&- || fail $? 'the device program of the start'\n`;
}

/** As in a built-in start; the terminal is the runtime's, and comes when the container is made. */
function relayStages(config: LaunchConfig): string {
  const { spec, paths } = config;
  if (!spec.tty) {
    return `relay)
  (
    trap '' HUP INT QUIT TERM
    exec 3>&- 6<&-
    read -r go <&5
  ) </dev/null >/dev/null 2>&1 &
  exec 4>&-
`;
  }
  const input = spec.stdinOpen ? `  cat <>${shellQuote(paths.stdin)} >&8 5>&- &\n` : '';
  return `copy)
  trap '' HUP INT QUIT TERM
  exec </dev/null >/dev/null 2>&1
${input}  # A terminal that nobody has open any more reads as EIO.
  cat <&8 >>${shellQuote(logTarget(spec, paths.log))} || :
  # Where the log takes no more, the program goes on.
  cat <&8 || :
${input === '' ? '' : '  kill -9 $!\n'}  ;;
relay)
  exec 5>&-
`;
}

function endStage({ spec, paths, cgroupJoinFiles }: LaunchConfig, { program }: OciFacts): string {
  const { state } = bundlePaths(paths);
  const [processes = ''] = cgroupJoinFiles;
  // Only a runtime whose containers are more than processes has something left to end.
  const leave = runtimeTraits(program).namespaces
    ? ''
    : `  ${shellQuote(program)} --root ${shellQuote(state)} delete --force ${shellQuote(containerId(spec))} || :\n`;
  return `  # Whoever has killed the one that waits has ended the container.
  tries=0
  while [ $status = 137 ] && [ $tries -lt 100 ] && read -r pid <${shellQuote(processes)}; do
    kill -9 "$pid" || :
    sleep 0.05
    tries=$((tries + 1))
  done
${leave}${endsInput(spec) ? '  echo go >&5\n' : ''}${spec.tty && spec.namespaces.pid === 'private' ? '  read -r end <&4 || :\n' : ''}`;
}
