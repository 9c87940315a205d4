import type { ContainerSummary, ContainersRequest } from '../daemon/api.ts';
import type { Context } from './command.ts';
import { stackSelector } from './stack-request.ts';

/** Containers of the stack that the global options name; of `services` only, unless it is empty. */
export function listContainers(
  context: Context,
  services: readonly string[],
  options: Pick<ContainersRequest, 'withHealth' | 'oneOffs'> = {},
): Promise<readonly ContainerSummary[]> {
  const request: ContainersRequest = { selector: stackSelector(context), services, ...options };
  return context.client.post<readonly ContainerSummary[]>('/v1/containers', request);
}
