import type { UpRequest, UpResult } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import type { Following } from '../attach.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { secondsOption } from '../numbers.ts';
import { flag, list, type Values, value } from '../options.ts';
import { requestUp } from '../request-up.ts';
import {
  excludeEachOther,
  hiddenEvents,
  isGiven,
  MAKE_OPTIONS,
  makeRequest,
  WAIT_OPTIONS,
  waitRequest,
} from '../up-options.ts';
import { showPlan } from '../views/plan.ts';

const OPTIONS = {
  detach: flag('d', 'Return when everything is started'),
  ...WAIT_OPTIONS,
  ...MAKE_OPTIONS,
  'always-recreate-deps': flag('', 'Also replace the containers of services that the named ones depend on'),
  'no-start': flag('', 'Make everything and start nothing, as tsstack create'),
  'renew-anon-volumes': flag('V', 'Empty the anonymous volumes of containers that are made anew'),
  timeout: value('t', 'SECONDS', 'Time to stop before a container is killed, instead of its own'),
  'abort-on-container-exit': flag('', 'Stop everything when a container has ended; jobs are run again'),
  'abort-on-container-failure': flag('', 'The same, when one has ended with another status than 0'),
  'exit-code-from': value('', 'SERVICE', 'End with its status; implies --abort-on-container-exit'),
  attach: list('', 'SERVICE', 'Show the output of this service only'),
  'no-attach': list('', 'SERVICE', 'Do not show the output of this service'),
  'attach-dependencies': flag('', 'Also show the output of services that the named ones depend on'),
  timestamps: flag('', 'Show when each line was written'),
  'no-log-prefix': flag('', 'Print lines as they were written'),
  'no-color': flag('', 'Without colour'),
  quiet: flag('', 'No plan and no progress'),
  menu: flag('', 'Accepted: there is no menu'),
};

/** Options that make no sense unless the command stays. */
const FOLLOWING = [
  'abort-on-container-exit',
  'abort-on-container-failure',
  'exit-code-from',
  'attach',
  'attach-dependencies',
] as const;

type UpValues = Values<typeof OPTIONS>;

/** `tsstack up`. */
export const command = defineCommand({
  name: 'up',
  summary: 'Make the machine match the stack file, then follow the output of its services',
  operands: '[SERVICE…]',
  options: OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack up', does: 'bring everything up; Ctrl-C stops it in order' },
    { command: 'tsstack up -d --wait', does: 'in the background, return when it is healthy' },
    { command: 'tsstack up -d web', does: 'only web and what it depends on' },
    { command: 'tsstack up -d --scale web=3', does: 'three replicas of web; a later up goes by the file again' },
    { command: 'tsstack up --exit-code-from tests', does: 'run tests against the rest, end with their status' },
    { command: 'tsstack up -d --build', does: 'build images anew before; steps that did not change take no time' },
    { command: 'tsstack up --dry-run', does: 'only say what would be done' },
    { command: 'tsstack -f base.yaml -f dev.yaml up', does: 'merge two files' },
  ],
  run: async (context, { options, operands }) => {
    const waiting = waitRequest(options);
    checkOptions(context, options, waiting.wait);
    const timeoutMs = secondsOption('timeout', options.timeout);
    const { 'exit-code-from': exitCodeFrom } = options;
    const request: Omit<UpRequest, 'requestId'> = {
      ...makeRequest(context, options, operands),
      ...waiting,
      noStart: options['no-start'],
      renewAnonVolumes: options['renew-anon-volumes'],
      recreateDeps: options['always-recreate-deps'],
      runAgain: abortsOn(options) !== undefined,
      follow: [...options.attach, ...(exitCodeFrom === undefined ? [] : [exitCodeFrom])],
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    const leaves = options.detach || waiting.wait || options['no-start'] || context.globals['dry-run'];
    const attach = leaves || context.format === 'json' ? undefined : await import('../attach.ts');
    const starts = attach?.logStarts(context.paths);
    const result = await requestUp(context, request, {
      quiet: options.quiet,
      hidden: hiddenEvents(options),
      onEvent: (event) => {
        if (!options.quiet) showPlan(context, event);
        starts?.see(event);
      },
    });
    if (attach === undefined || starts === undefined) return EXIT.done;
    return attach.attach(context, result, { starts, ...following(options, operands, result), timeoutMs });
  },
});

/** Throws `usage` for what excludes each other, as Compose does. */
function checkOptions({ format }: Context, options: UpValues, wait: boolean): void {
  excludeEachOther(
    options,
    ['no-recreate', 'renew-anon-volumes'],
    ['no-recreate', 'always-recreate-deps'],
    ['abort-on-container-exit', 'abort-on-container-failure'],
    ['wait', 'no-start'],
    ['wait-timeout', 'no-start'],
  );
  const leaves = wait ? '--wait' : options.detach ? '--detach' : format === 'json' ? '--format json' : undefined;
  const follows = FOLLOWING.find((name) => isGiven(options[name]));
  if (leaves === undefined || follows === undefined) return;
  throw new TsstackError('usage', `Options ${leaves} and --${follows} exclude each other`, {
    hint: `--${follows} is for an up that stays in the foreground`,
  });
}

function abortsOn(options: UpValues): Following['abortOn'] {
  if (options['abort-on-container-failure']) return 'failure';
  return options['abort-on-container-exit'] || options['exit-code-from'] !== undefined ? 'exit' : undefined;
}

/** Without names, and with `--attach-dependencies`, everything is shown; else what is named. */
function following(options: UpValues, named: readonly string[], up: UpResult): Omit<Following, 'starts' | 'timeoutMs'> {
  const all = named.length === 0 || options['attach-dependencies'] ? up.services : named;
  const shown = options.attach.length > 0 ? options.attach : all.filter((name) => !up.unattached.includes(name));
  return {
    shown: shown.filter((name) => !options['no-attach'].includes(name)),
    abortOn: abortsOn(options),
    exitCodeFrom: options['exit-code-from'],
    timestamps: options.timestamps,
    prefixed: !options['no-log-prefix'],
    coloured: !options['no-color'],
  };
}
