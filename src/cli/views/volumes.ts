import type { VolumeSummary } from '../../daemon/volume-api.ts';
import { table } from '../../lib/table.ts';
import type { Context } from '../command.ts';

/** A list of volumes: as a table, as JSON, or their names. */
export function printVolumes(context: Context, volumes: readonly VolumeSummary[], namesOnly: boolean): void {
  if (context.format === 'json') context.out.write(`${JSON.stringify(volumes, undefined, 2)}\n`);
  else if (namesOnly) context.out.write(volumes.map(({ name }) => `${name}\n`).join(''));
  else context.out.write(table(['NAME', 'STACK', 'DRIVER', 'USED BY'], volumes.map(cells)));
}

function cells(volume: VolumeSummary): readonly string[] {
  const { name, stack, driver, driverOptions, users } = volume;
  const type = driverOptions['type'] ?? '';
  const names = users.map((user) => (user.running ? user.name : `${user.name} (stopped)`));
  return [
    name,
    stack === '' ? '-' : stack,
    type === '' ? driver : `${driver} (${type === 'none' ? 'bind' : type})`,
    names.length === 0 ? '-' : [...new Set(names)].join(', '),
  ];
}
