import type { Diagnostic } from '../model/diagnostic.ts';
import { type ErrorReport, reportError } from '../model/error.ts';
import { Diagnostics } from '../spec/diagnose.ts';
import { type LoadRequest, loadStack } from '../spec/load.ts';
import { openProject } from '../spec/project.ts';
import { FileWatcher } from '../watch/watcher.ts';

/** What one check of a stack file found. */
export interface ConfigCheck {
  /** Number of enabled services; absent when the stack does not load. */
  readonly services?: number;
  /** In file order. */
  readonly diagnostics: readonly Diagnostic[];
  /** Why the stack does not load. */
  readonly error?: ErrorReport;
}

export interface WatchConfigOptions {
  readonly signal: AbortSignal;
  /** Called with the first check and with one after every change. */
  readonly checked: (check: ConfigCheck) => void;
  /** A file cannot be watched; the others are. */
  readonly failed: (error: unknown) => void;
}

/**
 * Checks a stack now and whenever one of its files changes, until the signal. A file that vanishes is an error of the
 * next check, and still watched for. Throws `no-stack-file` when there is none to begin with.
 */
export async function watchConfig(load: LoadRequest, options: WatchConfigOptions): Promise<void> {
  const { signal, checked, failed } = options;
  openProject(load, new Diagnostics());
  let paths: readonly string[] = [];
  const check = async (): Promise<void> => {
    let result: ConfigCheck;
    let fresh: boolean;
    do {
      const diagnostics = new Diagnostics();
      result = checkConfig(load, diagnostics);
      const now = [...diagnostics.files];
      // A file that was not watched may have changed since it was read: it is read again.
      fresh = now.some((path) => !paths.includes(path));
      // What belonged to the stack before it broke is what will mend it.
      paths = result.error === undefined ? now : [...new Set([...paths, ...now])];
      await watcher.follow(paths);
      if (signal.aborted) return;
    } while (fresh);
    checked(result);
  };
  // One at a time, in order: the last result that is told is the one that holds.
  let last = Promise.resolve();
  const checkNext = (): Promise<void> => {
    last = last.then(check);
    return last;
  };
  const watcher = new FileWatcher({ changed: checkNext, failed });
  try {
    await checkNext();
    await aborted(signal);
  } finally {
    await watcher.close();
  }
}

function checkConfig(load: LoadRequest, found: Diagnostics): ConfigCheck {
  try {
    const { stack, diagnostics } = loadStack(load, found);
    return { services: Object.keys(stack.services).length, diagnostics };
  } catch (caught) {
    const error = reportError(caught);
    return { diagnostics: error.diagnostics ?? [], error };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
