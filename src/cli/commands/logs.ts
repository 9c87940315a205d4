import type { ContainerSummary } from '../../daemon/api.ts';
import type { LogSource } from '../../log/log-cursor.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { labelled, writeStandardOutput } from '../log-output.ts';
import { countOption, timeOption } from '../numbers.ts';
import { flag, value } from '../options.ts';
import { PLAIN } from '../style.ts';

/** `tsstack logs`. */
export const command = defineCommand({
  name: 'logs',
  summary: 'Show the output of containers',
  operands: '[SERVICE…]',
  options: {
    follow: flag('f', 'Go on showing what comes'),
    tail: value('n', 'N', 'Only the last N lines of each container; `all` is all'),
    timestamps: flag('t', 'Show when each line was written'),
    since: value('', 'TIME', 'Only lines since then: 10m, 2026-01-02T15:04:05Z'),
    until: value('', 'TIME', 'Only lines before then'),
    index: value('', 'N', 'Only of this replica'),
    'no-log-prefix': flag('', 'Print lines as they were written, byte for byte'),
    'no-color': flag('', 'Without colour'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack logs', does: 'all that was written, by time' },
    { command: 'tsstack logs -f -n 20 web', does: 'the last 20 lines of web, and what comes' },
    { command: 'tsstack logs --since 10m -t', does: 'the last ten minutes, with times' },
    { command: 'tsstack logs --since 2h --until 1h --index 2 web', does: 'one hour, one replica' },
    { command: 'tsstack logs --no-log-prefix web > web.log', does: 'the exact bytes' },
  ],
  run: async (context, { options, operands }) => {
    const tail = options.tail === 'all' ? undefined : countOption('tail', options.tail, 0);
    const sinceMs = timeOption('since', options.since, Date.now());
    const untilMs = timeOption('until', options.until, Date.now());
    const index = countOption('index', options.index, 1);
    const { LogReader } = await import('../../log/log-reader.ts');
    const containers = ofReplica(await listContainers(context, operands), index);
    sayWhatIsNotKept(context, containers);
    await sayWhatWasEmptied(context, containers);
    const reader = new LogReader(
      sources(context, containers, options),
      {
        // What comes is never before a time that has passed.
        follow: options.follow && (untilMs === undefined || untilMs > Date.now()),
        timestamps: options.timestamps && context.format !== 'json',
        ...(tail !== undefined && { tail }),
        ...(sinceMs !== undefined && { sinceMs }),
        ...(untilMs !== undefined && { untilMs }),
      },
      writeStandardOutput,
    );
    const end = untilMs === undefined ? undefined : setTimeout(() => reader.finish(), untilMs - Date.now());
    await reader.run();
    clearTimeout(end);
    return EXIT.done;
  },
});

function sayWhatIsNotKept({ err }: Context, containers: readonly ContainerSummary[]): void {
  for (const { name, logDriver } of containers) {
    if (logDriver === 'none') err.write(`${name}: its output is not kept (logging.driver: none)\n`);
  }
}

async function sayWhatWasEmptied({ err }: Context, containers: readonly ContainerSummary[]): Promise<void> {
  const { readEmptied } = await import('../../log/time-index.ts');
  for (const { name, logPath } of containers) {
    const timeMs = readEmptied(logPath);
    if (timeMs === undefined) continue;
    const when = new Date(timeMs).toISOString();
    err.write(`${name}: it emptied its log, ${when} ("> /dev/stdout" does that; ">> /dev/stdout" does not)\n`);
  }
}

function ofReplica(containers: readonly ContainerSummary[], index: number | undefined): readonly ContainerSummary[] {
  const found = containers.filter((each) => index === undefined || each.index === index);
  if (found.length > 0 || index === undefined) return found;
  throw new TsstackError('not-found', `There is no replica ${index}`, { hint: 'See which there are: tsstack ps -a' });
}

function sources(
  context: Context,
  containers: readonly ContainerSummary[],
  options: { readonly 'no-color': boolean; readonly 'no-log-prefix': boolean },
): LogSource[] {
  const style = options['no-color'] ? PLAIN : context.out.style;
  return labelled(containers, style).flatMap(({ container, prefix }) =>
    [container.logPath, ...(container.errorLogPath === undefined ? [] : [container.errorLogPath])].map((path) => ({
      path,
      prefix: options['no-log-prefix'] ? '' : prefix,
      ...(context.format === 'json' && { encode: jsonEncoder(container) }),
    })),
  );
}

function jsonEncoder({ name, service, index }: ContainerSummary): (line: string, timeMs: number) => string {
  return (line, timeMs) => JSON.stringify({ container: name, service, index, timeMs, line });
}
