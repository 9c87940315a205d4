import type { ContainerKey } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { containerPaths, type Paths, stackDirectory } from './paths.ts';

/**
 * Descriptions lie beside what they describe, so that lost records can be found again from the machine alone, and so
 * that what `plan --script` made by hand is known to the next command.
 */
export function containerFile(paths: Paths, key: ContainerKey): string {
  return `${containerPaths(paths, key).directory}/container.json`;
}

/** Which run of the container is the present one. */
export function runFile(paths: Paths, key: ContainerKey): string {
  return `${containerPaths(paths, key).directory}/run.json`;
}

/** An empty name stands for the networks of no stack. */
export function networkDirectory(paths: Paths, stack: string): string {
  return stack === '' ? `${paths.state}/networks` : `${stackDirectory(paths, stack)}/networks`;
}

/** `directory` holds the descriptions of all networks of the stack, or of those of no stack. */
export function networkFile(paths: Paths, network: NetworkSpec): { readonly directory: string; readonly path: string } {
  const directory = networkDirectory(paths, network.stack);
  return { directory, path: `${directory}/${network.key}.json` };
}
