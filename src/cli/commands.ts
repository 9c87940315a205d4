import type { Command } from './command.ts';

interface Entry {
  /** Shown by `tsstack help` without loading the command. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Every command by name, in the order of the help text. Each is loaded only when it is used. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  up: { summary: 'Make the machine match the stack file', load: () => import('./commands/up.ts') },
  plan: { summary: 'Show what up would do, and why', load: () => import('./commands/plan.ts') },
  down: { summary: 'Stop a stack and remove it without a trace', load: () => import('./commands/down.ts') },
  ps: { summary: 'List containers', load: () => import('./commands/ps.ts') },
  logs: { summary: 'Show the output of containers', load: () => import('./commands/logs.ts') },
  run: { summary: 'Run a command in a new container of a service', load: () => import('./commands/run.ts') },
  attach: { summary: "Take part in a container's standard streams", load: () => import('./commands/attach.ts') },
  exec: { summary: 'Run a program in a running container', load: () => import('./commands/exec.ts') },
  cp: { summary: 'Copy files between containers and this machine', load: () => import('./commands/cp.ts') },
  export: { summary: "Write a container's files as a tar archive", load: () => import('./commands/export.ts') },
  diff: { summary: 'Show what a container has written', load: () => import('./commands/diff.ts') },
  commit: { summary: 'Make an image of a container', load: () => import('./commands/commit.ts') },
  create: { summary: 'Make what up would make, and start nothing', load: () => import('./commands/create.ts') },
  scale: { summary: 'Run so many replicas of services', load: () => import('./commands/scale.ts') },
  start: { summary: 'Start stopped containers', load: () => import('./commands/start.ts') },
  stop: { summary: 'Stop containers, and keep them', load: () => import('./commands/stop.ts') },
  restart: { summary: 'Stop and start containers', load: () => import('./commands/restart.ts') },
  kill: { summary: 'Send a signal to running containers', load: () => import('./commands/kill.ts') },
  pause: { summary: 'Freeze running containers', load: () => import('./commands/pause.ts') },
  unpause: { summary: 'Let paused containers go on', load: () => import('./commands/unpause.ts') },
  wait: { summary: 'Wait until containers have ended', load: () => import('./commands/wait.ts') },
  top: { summary: 'Show the processes of containers', load: () => import('./commands/top.ts') },
  port: { summary: 'Print where a port is published', load: () => import('./commands/port.ts') },
  net: { summary: 'Try how services bear bad networks', load: () => import('./commands/net.ts') },
  events: { summary: 'Show what happens to containers', load: () => import('./commands/events.ts') },
  rm: { summary: 'Remove stopped containers', load: () => import('./commands/rm.ts') },
  stats: { summary: 'Show what containers use', load: () => import('./commands/stats.ts') },
  watch: { summary: 'Keep the machine matched while files change', load: () => import('./commands/watch.ts') },
  config: { summary: 'Check a stack file and print what it means', load: () => import('./commands/config.ts') },
  'oci-spec': {
    summary: 'Print what an OCI runtime would start a service with',
    load: () => import('./commands/oci-spec.ts'),
  },
  inspect: { summary: 'Print all that is known of containers', load: () => import('./commands/inspect.ts') },
  explain: { summary: 'Show how containers are started, call by call', load: () => import('./commands/explain.ts') },
  images: { summary: 'List the images of containers', load: () => import('./commands/images.ts') },
  build: { summary: 'Build the images of a stack', load: () => import('./commands/build.ts') },
  pull: { summary: 'Fetch the images of a stack', load: () => import('./commands/pull.ts') },
  push: { summary: 'Send the images that a stack builds', load: () => import('./commands/push.ts') },
  login: { summary: 'Keep credentials for a registry', load: () => import('./commands/login.ts') },
  logout: { summary: 'Forget credentials for a registry', load: () => import('./commands/logout.ts') },
  image: {
    summary: 'Look at, pull, push, load, save, import and remove images',
    load: () => import('./commands/image.ts'),
  },
  volume: { summary: 'Look at, remove, export and import volumes', load: () => import('./commands/volume.ts') },
  volumes: { summary: 'List the volumes of a stack', load: () => import('./commands/volumes.ts') },
  network: {
    summary: 'Look at networks, make and remove them, connect containers',
    load: () => import('./commands/network.ts'),
  },
  system: {
    summary: 'Show what lies on the disk, remove what nothing needs',
    load: () => import('./commands/system.ts'),
  },
  ls: { summary: 'List stacks', load: () => import('./commands/ls.ts') },
  doctor: { summary: 'Check what this machine has and lacks', load: () => import('./commands/doctor.ts') },
  version: { summary: 'Show the version', load: () => import('./commands/version.ts') },
};
