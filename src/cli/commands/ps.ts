import type { ContainerSummary } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { CONTAINER_STATUSES, type ContainerStatus } from '../../model/observed.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { psFormat } from '../docker-config.ts';
import { flag, list, onFlag } from '../options.ts';
import { orphanServices } from '../orphans.ts';
import { renderContainers } from '../views/ps.ts';

/** `tsstack ps`. */
export const command = defineCommand({
  name: 'ps',
  summary: 'List containers of a stack',
  operands: '[SERVICE…]',
  options: {
    all: flag('a', 'Also those that do not run, and one-offs (tsstack run)'),
    quiet: flag('q', 'Only names'),
    services: flag('', 'Only names of services'),
    status: list('', 'STATUS', `Only with this status: ${CONTAINER_STATUSES.join(', ')}`),
    filter: list('', 'FILTER', 'status=STATUS: the same'),
    orphans: onFlag('Also of services that are no longer in the file; --orphans=false leaves them out'),
    'no-trunc': flag('', 'Whole commands'),
  },
  formats: ['table', 'json'],
  templates: true,
  examples: [
    { command: 'tsstack ps', does: 'what runs, since when, on which ports, with what usage' },
    { command: 'tsstack ps -a', does: 'also what has ended, and how' },
    { command: 'tsstack ps --services --status exited', does: 'names of services that have ended' },
    { command: 'tsstack ps --format json', does: 'for scripts' },
    { command: "tsstack ps --format 'table {{.Name}}\\t{{.Status}}'", does: 'these columns, as docker takes them' },
  ],
  run: async (context, { options, operands }) => {
    const wanted = statuses([...options.status, ...options.filter.map(statusOfFilter)]);
    const hidden = options.orphans ? [] : await orphanServices(context);
    const shown = (await listContainers(context, operands, options.all ? { oneOffs: true } : {}))
      .filter(({ status }) => (wanted.length > 0 ? wanted.includes(status) : options.all || isUp(status)))
      .filter(({ service }) => !hidden.includes(service));
    if (options.services) context.out.write(lines([...new Set(shown.map(({ service }) => service))]));
    else if (options.quiet) context.out.write(lines(shown.map(({ name }) => name)));
    else context.out.write(await shownText(context, shown, options['no-trunc']));
    return EXIT.done;
  },
});

async function shownText(context: Context, shown: readonly ContainerSummary[], whole: boolean): Promise<string> {
  const given = context.globals.json ? 'json' : context.globals.format;
  const format = given ?? psFormat(context) ?? 'table';
  if (format === 'json') return `${JSON.stringify(shown, undefined, 2)}\n`;
  const table = () => renderContainers(shown, Date.now(), { whole });
  if (format === 'table') return table();
  const { renderByTemplate } = await import('../views/ps-template.ts');
  try {
    return renderByTemplate(shown, format, Date.now());
  } catch (error) {
    if (given !== undefined || !(error instanceof TsstackError)) throw error;
    context.err.write(`warning: psFormat of the Docker configuration is left out. ${error.message}\n`);
    return table();
  }
}

function isUp(status: ContainerSummary['status']): boolean {
  return status !== 'created' && status !== 'exited';
}

function lines(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

function statusOfFilter(filter: string): string {
  const [, status] = /^status=(.*)$/.exec(filter) ?? [];
  if (status !== undefined) return status;
  throw new TsstackError('usage', `Option --filter needs status=STATUS, got "${filter}"`);
}

/** `dead` and `removing` are Docker's: nothing is ever so here. */
function statuses(given: readonly string[]): readonly ContainerStatus[] {
  return given.flatMap((name) => {
    const status = CONTAINER_STATUSES.find((each) => each === name);
    if (status !== undefined) return status;
    if (name === 'dead' || name === 'removing') return [];
    throw new TsstackError('usage', `There is no status "${name}"`, { hint: CONTAINER_STATUSES.join(', ') });
  });
}
