import type { RunRequest, RunResult } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Arguments, type Context, defineCommand, EXIT } from '../command.ts';
import { givenEnvironment, givenLabels } from '../given-environment.ts';
import { flag, list, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';
import { standardStream } from '../terminal.ts';
import { hiddenEvents, PULL_OPTION, pullPolicy, QUIET_OPTIONS } from '../up-options.ts';

const OPTIONS = {
  rm: flag('', 'Remove the container when it has ended, with its anonymous volumes'),
  detach: flag('d', 'In the background; prints the name of the container'),
  interactive: flag('i', 'Pass standard input on; the default without -d'),
  'no-interactive': flag('', 'Do not pass standard input on'),
  tty: flag('t', 'With a terminal; the default where standard input and output are one'),
  'no-tty': flag('T', 'Without a terminal'),
  name: value('', 'NAME', 'Name of the container, instead of STACK-SERVICE-run-…'),
  'service-ports': flag('P', "Publish the service's ports"),
  publish: list('p', 'PORT', 'Publish this port: [[ADDRESS:]HOST:]CONTAINER'),
  env: list('e', 'KEY=VALUE', 'Set a variable; KEY alone passes on ours'),
  'env-from-file': list('', 'FILE', 'Set the variables of this file'),
  volume: list('v', 'VOLUME', 'Mount this too: SOURCE:TARGET[:ro]'),
  user: value('u', 'USER', 'As this user: name or uid, also user:group'),
  workdir: value('w', 'DIR', 'In this directory'),
  label: list('l', 'KEY=VALUE', 'Label the container'),
  entrypoint: value('', 'COMMAND', "Instead of the service's entrypoint and command"),
  'no-deps': flag('', 'Start nothing that the service depends on'),
  'use-aliases': flag('', "Let the service's name and aliases lead to this container, too"),
  'cap-add': list('', 'CAPABILITY', 'Add a capability'),
  'cap-drop': list('', 'CAPABILITY', 'Drop a capability'),
  quiet: flag('q', 'Show no progress'),
  ...PULL_OPTION,
  build: flag('', 'Build its image before, and those of what it depends on'),
  ...QUIET_OPTIONS,
};

/** `tsstack run`. */
export const command = defineCommand({
  name: 'run',
  summary: 'Run a command in a new container of a service, after what the service depends on has started',
  operands: 'SERVICE [COMMAND [ARG…]]',
  stopAtOperand: true,
  options: OPTIONS,
  formats: ['table'],
  examples: [
    { command: 'tsstack run --rm web sh', does: 'a shell in a container of its own' },
    { command: 'tsstack run --rm -T db pg_dump app > app.sql', does: 'in a pipeline, byte for byte' },
    { command: 'tsstack run -d --name job web ./work', does: 'in the background; see tsstack ps -a' },
  ],
  run: async (context, args) => {
    const request = await requestOf(context, args);
    const sinceMs = Date.now();
    const { quiet, rm, detach } = args.options;
    // Loaded while the daemon is at work.
    const parts = detach ? undefined : import('../follow-one-off.ts');
    const started = await streamRequest<RunResult>(context, {
      path: '/v1/run',
      body: request,
      quiet,
      hidden: hiddenEvents(args.options),
      onEvent: (event) => {
        if (event.type !== 'plan' || quiet || context.format === 'json') return;
        for (const warning of event.plan.warnings)
          context.err.write(`warning: ${warning}
`);
      },
    });
    if (parts === undefined) {
      context.out.write(`${started.container.name}\n`);
      return EXIT.done;
    }
    const { followOneOff } = await parts;
    return followOneOff(context, started, { sinceMs, input: request.stdinOpen, remove: rm });
  },
});

async function requestOf(
  context: Context,
  { options, operands }: Arguments<typeof OPTIONS>,
): Promise<Omit<RunRequest, 'requestId'>> {
  const [service, ...words] = operands;
  if (service === undefined) {
    throw new TsstackError('usage', 'run needs a service', { hint: 'For example: tsstack run --rm web sh' });
  }
  if (options.tty && options['no-tty']) throw new TsstackError('usage', 'Options -t and -T exclude each other');
  const terminal = process.stdin.isTTY && standardStream(1).isTTY;
  const tty = !options['no-tty'] && (options.tty || (terminal && !options.detach));
  const { name, user, workdir, entrypoint } = options;
  return {
    load: loadRequest(context, []),
    service,
    remove: options.rm,
    command: words,
    environment: {
      ...(await filesOf(context, options['env-from-file'])),
      ...givenEnvironment(context.env, options.env),
    },
    labels: givenLabels(options.label),
    tty,
    stdinOpen: !options['no-interactive'] && !options.detach,
    servicePorts: options['service-ports'],
    publish: options.publish,
    volumes: options.volume,
    noDeps: options['no-deps'],
    pull: pullPolicy(options.pull),
    build: options.build,
    useAliases: options['use-aliases'],
    capAdd: options['cap-add'],
    capDrop: options['cap-drop'],
    ...(!options.detach && { client: process.pid }),
    ...(entrypoint !== undefined && { entrypoint: (await import('../run-arguments.ts')).words(entrypoint) }),
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workingDir: workdir }),
  };
}

/** What reads files of variables is loaded where there are some. */
async function filesOf(context: Context, paths: readonly string[]): Promise<Record<string, string>> {
  return paths.length === 0 ? {} : (await import('../run-arguments.ts')).environmentFiles(context, paths);
}
