import { gpuRequests } from './devices.ts';
import { bytes, count, cpus, duration, labels, list, number, object, type Shape, text, word } from './shape.ts';

const update = object({
  parallelism: count,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: number,
  order: text,
});

const resource = object({
  cpus,
  memory: bytes(),
  pids: number,
  devices: gpuRequests,
  generic_resources: list(object({ discrete_resource_spec: object({ kind: text, value: count }) })),
});

/** `deploy`; `resources` and `placement` are always there, as the reference has them. */
export const deploy: Shape = (value, place) =>
  value === null
    ? undefined
    : object(
        {
          mode: text,
          replicas: count,
          labels,
          update_config: update,
          rollback_config: update,
          resources: object({ limits: resource, reservations: resource }),
          restart_policy: object({ condition: text, delay: duration, max_attempts: count, window: duration }),
          placement: object({
            constraints: list(word),
            preferences: list(object({ spread: text })),
            max_replicas_per_node: number,
          }),
          endpoint_mode: text,
        },
        (result) => {
          result['resources'] ??= Object.create(null);
          result['placement'] ??= Object.create(null);
        },
      )(value, place);
