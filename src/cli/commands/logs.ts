import type { ContainerSummary } from '../../daemon/api.ts';
import type { LogSource } from '../../log/log-cursor.ts';
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
    'no-log-prefix': flag('', 'Print lines as they were written, byte for byte'),
    'no-color': flag('', 'Without colour'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack logs', does: 'all that was written, by time' },
    { command: 'tsstack logs -f -n 20 web', does: 'the last 20 lines of web, and what comes' },
    { command: 'tsstack logs --since 10m -t', does: 'the last ten minutes, with times' },
    { command: 'tsstack logs --no-log-prefix web > web.log', does: 'the exact bytes' },
  ],
  run: async (context, { options, operands }) => {
    const tail = options.tail === 'all' ? undefined : countOption('tail', options.tail, 0);
    const sinceMs = timeOption('since', options.since, Date.now());
    const { LogReader } = await import('../../log/log-reader.ts');
    const containers = await listContainers(context, operands);
    const reader = new LogReader(
      sources(context, containers, options),
      {
        follow: options.follow,
        timestamps: options.timestamps && context.format !== 'json',
        ...(tail !== undefined && { tail }),
        ...(sinceMs !== undefined && { sinceMs }),
      },
      writeStandardOutput,
    );
    await reader.run();
    return EXIT.done;
  },
});

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
