import { TsstackError } from '../model/error.ts';

/** What is wrong with an image's content; `inContext` puts in front where. */
export function imageInvalid(message: string, cause?: unknown): TsstackError {
  return new TsstackError('image-invalid', message, cause === undefined ? {} : { cause });
}

/**
 * Puts `where` in front of the message of what `body` throws. System errors become `image-invalid` when the input is
 * to blame (a name that is too long), `command-failed` when the machine is (a full disk).
 */
export async function inContext<Result>(where: () => string, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof TsstackError) {
      if (error.code !== 'image-invalid') throw error;
      throw new TsstackError(error.code, `${where()}: ${error.message}`, { hint: error.hint, cause: error.cause });
    }
    const system = error as NodeJS.ErrnoException;
    if (typeof system.code !== 'string') throw error;
    const code = MACHINE_ERRORS.has(system.code) ? 'command-failed' : 'image-invalid';
    throw new TsstackError(code, `${where()}: ${systemMessage(system)}`, { cause: error });
  }
}

const MACHINE_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM']);

/** Node repeats the whole path in its messages, which may be 4 KiB of a hostile archive's choice. */
function systemMessage(error: NodeJS.ErrnoException): string {
  const text = error.message.split(/, \w+ '/)[0] ?? error.message;
  return text.slice(0, 200);
}

/** A name out of an archive, fit to print: one line, escapes for control characters, cut when long. */
export function printable(name: string): string {
  const text = Buffer.from(name, 'latin1').toString('utf8');
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
