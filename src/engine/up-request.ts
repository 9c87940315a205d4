import { TsstackError } from '../model/error.ts';
import type { Stack } from '../model/stack.ts';
import type { LoadResult } from '../spec/load.ts';

/** What `up` is asked for besides its plan. */
export interface UpWishes {
  readonly follow: readonly string[];
  readonly removeOrphans: boolean;
}

type Loaded = Pick<LoadResult, 'variable'>;

/** Throws `usage` for wishes that cannot be fulfilled, before anything is done. */
export function checkWishes(stack: Stack, loaded: Loaded, wishes: UpWishes): void {
  checkFollowed(stack, wishes.follow);
  if (wishes.removeOrphans && isOn(loaded.variable('COMPOSE_IGNORE_ORPHANS'))) {
    throw new TsstackError('usage', 'COMPOSE_IGNORE_ORPHANS and --remove-orphans exclude each other');
  }
}

function checkFollowed(stack: Stack, services: readonly string[]): void {
  const unknown = services.filter((name) => !Object.hasOwn(stack.services, name));
  if (unknown.length === 0) return;
  throw new TsstackError('usage', `No service that this command is about is called ${quoted(unknown)}`, {
    hint: `Services: ${Object.keys(stack.services).join(', ')}`,
  });
}

/** What COMPOSE_REMOVE_ORPHANS and COMPOSE_IGNORE_ORPHANS say, be it in `.env`. */
export function orphanWishes(
  { variable }: Pick<LoadResult, 'variable'>,
  asked: boolean,
): { readonly removeOrphans: boolean; readonly ignoreOrphans: boolean } {
  const ignoreOrphans = isOn(variable('COMPOSE_IGNORE_ORPHANS'));
  return { removeOrphans: asked || (!ignoreOrphans && isOn(variable('COMPOSE_REMOVE_ORPHANS'))), ignoreOrphans };
}

/** Services with `attach: false`. */
export function unattachedServices({ model }: Pick<LoadResult, 'model'>): readonly string[] {
  return servicesWith(model, (service) => service['attach'] === false);
}

/** Services that others wait for to complete. */
export function jobsOf(stack: Stack): readonly string[] {
  const awaited = Object.values(stack.services).flatMap(({ dependsOn }) =>
    Object.entries(dependsOn).flatMap(([service, { condition }]) =>
      condition === 'service_completed_successfully' ? [service] : [],
    ),
  );
  return [...new Set(awaited)];
}

function servicesWith(
  model: LoadResult['model'],
  is: (service: Readonly<Record<string, unknown>>) => boolean,
): string[] {
  const services = model['services'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return Object.entries(services).flatMap(([name, service]) => (is(service) ? [name] : []));
}

/** As Compose reads its variables: `1`, `true`, `t`, in any case. */
function isOn(value: string | undefined): boolean {
  return ['1', 't', 'true'].includes((value ?? '').toLowerCase());
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
