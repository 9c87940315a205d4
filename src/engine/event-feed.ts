import type { ContainerEvent } from '../model/event.ts';

/** Hands what happens to containers to whoever listens, as it happens. */
export class EventFeed {
  readonly #listeners = new Set<(event: ContainerEvent) => void>();

  /** Calls back with every event until the returned function is called. */
  on(listener: (event: ContainerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(event: ContainerEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
