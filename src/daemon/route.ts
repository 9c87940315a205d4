import type { Engine } from '../engine/engine.ts';
import type { Reporting } from '../engine/reporting.ts';

export interface RouteContext {
  readonly engine: Engine;
  readonly body: unknown;
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /** Streams under way, by their client's `requestId`. */
  readonly requests: ReadonlyMap<string, AbortController>;
}

interface RouteBase {
  readonly method: 'GET' | 'POST';
  /** Parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  /** Query parameters by name, each with its JSON type. */
  readonly query?: Readonly<Record<string, 'number' | 'string'>>;
  /** Names of types in api.ts; `T[]` for a list. */
  readonly request?: string;
  readonly response: string;
}

/** One entry of the API: answers at once with JSON, streams progress until its result, or follows what happens without end. */
export type Route =
  | (RouteBase & { readonly answer: (context: RouteContext) => unknown })
  | (RouteBase & {
      readonly stream: (context: RouteContext, reporting: Reporting) => Promise<unknown>;
      /** Cancelled when its client goes; else it goes on without. */
      readonly endsWithClient?: true;
    })
  /** Sends items, one a line, until the function that it gives is called. `end` ends the answer; not at once. */
  | (RouteBase & {
      readonly follow: (context: RouteContext, send: (item: unknown) => void, end: () => void) => () => void;
    });
