import type { ContainerSpec } from '../model/container.ts';
import type { Inspection, ShownSpec } from '../model/inspection.ts';
import { hideSecrets } from '../planner/render.ts';
import type { ContainerView } from './containers.ts';
import type { Engine } from './engine.ts';
import { lookCommands } from './look-commands.ts';

/** All that is known of a container besides its state. */
export function inspect(engine: Engine, { record, observed, health }: ContainerView): Inspection {
  return {
    spec: shown(record.spec),
    endpoints: record.endpoints,
    ...(record.live !== undefined && { live: record.live }),
    stoppedByUser: observed.stoppedByUser,
    healthResults: health,
    commands: lookCommands(engine.machine, record, observed.pid),
  };
}

function shown({ key: _key, name: _name, image, env, files = [], ...rest }: ContainerSpec): ShownSpec {
  return {
    ...rest,
    labels: hideSecrets(rest.labels),
    imageId: image.id,
    env: hideSecrets(env),
    files: files.map(({ kind, source, target }) => ({ kind, source, target })),
  };
}
