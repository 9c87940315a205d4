import { familiarName, parseReference } from '../image/content/reference.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';

export interface PushedImage {
  /** As users write it. */
  readonly name: string;
  readonly digest: string;
  readonly uploadedBytes: number;
}

/** Sends images of the store to the registries that their names say, one after the other. */
export function pushImages(
  engine: Engine,
  names: readonly string[],
  { env, reporting }: { readonly env: Readonly<Record<string, string>>; readonly reporting: Reporting },
): Promise<readonly PushedImage[]> {
  const { signal, progress } = reporting;
  return engine.images.hold(async () => {
    const { pushImage } = await import('../image/registry/push.ts');
    const pushed: PushedImage[] = [];
    for (const name of names) {
      const reference = parseReference(name);
      const subject = familiarName(reference);
      const done = await pushImage(engine.images.content, reference, reference, {
        env,
        signal,
        progress: ({ digest, bytes, size }) => progress({ type: 'transfer', subject, digest, bytes, size }),
        warn: (message) => progress({ type: 'warning', message }),
      });
      pushed.push({ name: subject, ...done });
    }
    return pushed;
  });
}
