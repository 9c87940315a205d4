import type { CreateVolumeRequest, RemoveVolumeRequest, VolumeDetail, VolumeSummary } from '../../daemon/volume-api.ts';
import { TsstackError } from '../../model/error.ts';
import { askYes } from '../ask-yes.ts';
import { type Context, EXIT } from '../command.ts';
import { keyValues } from '../key-value.ts';
import { removeAll } from '../remove-all.ts';
import { printVolumes } from '../views/volumes.ts';
import type { VolumeOptions } from './verb.ts';

/** `volume ls`. */
export async function listVolumes(context: Context, names: readonly string[], options: VolumeOptions): Promise<number> {
  if (names.length > 0) throw new TsstackError('usage', `volume ls takes no names, got "${names.join(' ')}"`);
  printVolumes(context, await allVolumes(context), options.quiet);
  return EXIT.done;
}

/** `volume inspect NAME…`: always a JSON list. */
export async function inspectVolumes(context: Context, names: readonly string[]): Promise<number> {
  requireNames('inspect', names);
  const volumes: VolumeDetail[] = [];
  for (const name of names) {
    volumes.push(await context.client.get<VolumeDetail>(`/v1/volumes/${encodeURIComponent(name)}`));
  }
  context.out.write(`${JSON.stringify(volumes, undefined, 2)}\n`);
  return EXIT.done;
}

/** `volume create NAME`: prints the name, or with `--json` the volume. */
export async function createVolume(
  context: Context,
  names: readonly string[],
  { label, opt }: VolumeOptions,
): Promise<number> {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) throw new TsstackError('usage', 'volume create needs one name');
  const request: CreateVolumeRequest = {
    name,
    labels: keyValues('label', label),
    driverOptions: keyValues('opt', opt),
  };
  const made = await context.client.post<VolumeSummary>('/v1/volumes/create', request);
  context.out.write(context.format === 'json' ? `${JSON.stringify(made, undefined, 2)}\n` : `${name}\n`);
  return EXIT.done;
}

/** `volume rm NAME…`: removes all that it can, prints their names, and fails with the first that it could not. */
export async function removeVolumes(
  context: Context,
  names: readonly string[],
  { force }: VolumeOptions,
): Promise<number> {
  requireNames('rm', names);
  await removeAll(context, names, removeVolume(context), (error) => force && error.code === 'not-found');
  return EXIT.done;
}

/** `volume prune`: volumes that no container has, only anonymous ones without `--all`. */
export async function pruneVolumes(
  context: Context,
  operands: readonly string[],
  { all, force }: VolumeOptions,
): Promise<number> {
  if (operands.length > 0) throw new TsstackError('usage', `volume prune takes no names, got "${operands.join(' ')}"`);
  const unused = (await allVolumes(context)).filter(({ users, anonymous }) => users.length === 0 && (all || anonymous));
  const names = unused.map(({ name }) => name);
  if (names.length > 0 && !force) {
    const what = `This removes ${names.length === 1 ? 'a volume' : `${names.length} volumes`} with all data: ${names.join(', ')}`;
    if (!(await askYes(context, what))) return EXIT.failed;
  }
  // One that was taken into use since then stays.
  await removeAll(context, names, removeVolume(context), ({ code }) => code === 'not-found' || code === 'conflict');
  return EXIT.done;
}

function removeVolume(context: Context): (name: string) => Promise<unknown> {
  return (name) => context.client.post('/v1/volumes/remove', { name } satisfies RemoveVolumeRequest);
}

function allVolumes(context: Context): Promise<readonly VolumeSummary[]> {
  return context.client.get<readonly VolumeSummary[]>('/v1/volumes');
}

function requireNames(verb: string, names: readonly string[]): void {
  if (names.length > 0) return;
  throw new TsstackError('usage', `volume ${verb} needs the name of a volume`, { hint: 'See them: tsstack volume ls' });
}
