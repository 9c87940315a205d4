import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

const TABLES = ['containers', 'networks', 'volumes', 'stacks', 'health'] as const;
const EVENTS_KEPT = 10_000;
/** SQLITE_BUSY and SQLITE_LOCKED, https://www.sqlite.org/rescode.html */
const BUSY = [5, 6];
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGED = [11, 26];

/** Another process has the database: the daemon is running already. */
export class DatabaseLockedError extends Error {
  override readonly name = 'DatabaseLockedError';
}

/** What SQLite makes no file for. */
const IN_MEMORY = ':memory:';

/** Environments are in it. SQLite gives the files beside it the mode that it has; what cannot be opened, it says why. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {
    return;
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
}

/**
 * The records' file. Opened in exclusive locking mode, it is the daemon's lock too: the kernel lets go of it when the
 * process dies, however it dies. Write-ahead log: a commit is there whole or not at all, after a power cut too.
 */
export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #closed = false;

  private constructor(sqlite: DatabaseSync) {
    this.#sqlite = sqlite;
  }

  /**
   * Opens or makes it. A damaged file is set aside as `….damaged` and a new one begun: the kernel still shows what
   * runs. `setAside` is that file's name then. Throws `DatabaseLockedError`, and SQLite's error where the file can't be
   * read or written (a full disk): it may be whole.
   */
  static open(path: string): { readonly database: Database; readonly setAside?: string } {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
      return { database: Database.#prepare(path) };
    } catch (error) {
      if (hasCode(error, BUSY)) throw new DatabaseLockedError(`${path} is in use`);
      if (!hasDamage(error)) throw error;
      return Database.begin(path);
    }
  }

  /** Sets a file aside that is damaged, and begins a new one. Nobody has it open. */
  static begin(path: string): { readonly database: Database; readonly setAside: string } {
    const setAside = `${path}.damaged`;
    renameSync(path, setAside);
    for (const journal of ['-wal', '-shm']) rmSync(`${path}${journal}`, { force: true });
    return { database: Database.#prepare(path), setAside };
  }

  static #prepare(path: string): Database {
    if (path !== IN_MEMORY) makePrivate(path);
    const sqlite = new DatabaseSync(path);
    try {
      sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
      sqlite.exec('BEGIN EXCLUSIVE');
      for (const table of TABLES) {
        sqlite.exec(`CREATE TABLE IF NOT EXISTS ${table} (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT`);
      }
      sqlite.exec(
        'CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, stack TEXT NOT NULL, document TEXT NOT NULL) STRICT',
      );
      sqlite.exec('COMMIT');
      return new Database(sqlite);
    } catch (error) {
      sqlite.close();
      throw error;
    }
  }

  load(table: string): readonly { readonly name: string; readonly document: string }[] {
    const rows = this.#statement(`SELECT name, document FROM ${table}`).all();
    return rows.map((row) => ({ name: String(row['name']), document: String(row['document']) }));
  }

  put(table: string, name: string, document: string): void {
    this.#statement(
      `INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document`,
    ).run(name, document);
  }

  delete(table: string, name: string): void {
    this.#statement(`DELETE FROM ${table} WHERE name = ?`).run(name);
  }

  addEvent(timeMs: number, stack: string, document: string): void {
    this.#statement('INSERT INTO events (time, stack, document) VALUES (?, ?, ?)').run(timeMs, stack, document);
  }

  events(stack: string, sinceMs: number): readonly string[] {
    const rows = this.#statement('SELECT document FROM events WHERE stack = ? AND time >= ? ORDER BY id').all(
      stack,
      sinceMs,
    );
    return rows.map((row) => String(row['document']));
  }

  /** Lets go of a file that is not to be written any more. */
  abandon(): void {
    this.#closed = true;
    this.#statements.clear();
    this.#sqlite.close();
  }

  /** Can be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sqlite.exec(`DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ${EVENTS_KEPT}`);
    this.#statements.clear();
    this.#sqlite.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Whether SQLite says that what it read cannot be. */
export function hasDamage(error: unknown): boolean {
  return hasCode(error, DAMAGED);
}

/** The low byte of an extended result code is the primary one. */
function hasCode(error: unknown, codes: readonly number[]): boolean {
  return error instanceof Error && 'errcode' in error && codes.includes(Number(error.errcode) & 0xff);
}
