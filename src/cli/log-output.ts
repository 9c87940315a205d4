import type { ContainerSummary } from '../daemon/api.ts';
import type { Look, Style } from './style.ts';
import { standardStream } from './terminal.ts';

const PALETTE: readonly Look[] = ['cyan', 'yellow', 'green', 'magenta', 'blue'];

/** A container with what stands before its lines. */
export interface Labelled {
  readonly container: ContainerSummary;
  /** `web-1  | `, as wide as the widest. */
  readonly prefix: string;
}

/** `web-1`. */
export function labelOf({
  service,
  index,
  oneOffOf,
}: Pick<ContainerSummary, 'service' | 'index' | 'oneOffOf'>): string {
  return oneOffOf === undefined ? `${service}-${index}` : service;
}

/** Prefixes for several containers: of one width, a colour for each service. */
export function labelled(containers: readonly ContainerSummary[], style: Style): readonly Labelled[] {
  const width = Math.max(0, ...containers.map((container) => labelOf(container).length));
  const services = [...new Set(containers.map(({ service }) => service))];
  return containers.map((container) => {
    const look = PALETTE[services.indexOf(container.service) % PALETTE.length] ?? 'cyan';
    return { container, prefix: style(look, `${labelOf(container).padEnd(width)}  | `) };
  });
}

/** Writes bytes to standard output; resolves when they are out of our hands. */
export function writeStandardOutput(bytes: Uint8Array): Promise<void> {
  return writeTo(1, bytes);
}

export function writeStandardError(bytes: Uint8Array): Promise<void> {
  return writeTo(2, bytes);
}

function writeTo(fd: 1 | 2, bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A failure (the reader is gone) is handled where the stream is set up.
  standardStream(fd).write(bytes, () => resolve());
  return promise;
}
