import type { Database } from './database.ts';

/** A document that cannot be read, or that is not of what it is kept under. */
export class DamagedRecordsError extends Error {
  override readonly name = 'DamagedRecordsError';
}

/** A table of JSON documents by name, in memory and in the database. */
export class Table<Row> {
  readonly #database: Database;
  readonly #table: string;
  readonly #name: (row: Row) => string;
  readonly #rows: Map<string, Row>;
  /** `all()` since the last change. */
  #sorted: readonly Row[] | undefined;

  constructor(database: Database, table: string, name: (row: Row) => string) {
    this.#database = database;
    this.#table = table;
    this.#name = name;
    this.#rows = new Map();
    for (const row of database.load(table)) this.#rows.set(row.name, this.#read(row));
  }

  #read({ name, document }: { readonly name: string; readonly document: string }): Row {
    try {
      const row = JSON.parse(document) as Row;
      if (this.#name(row) === name) return row;
    } catch {
      // As below.
    }
    throw new DamagedRecordsError(`the record "${name}" of ${this.#table}`);
  }

  get(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  /**
   * Sorted by name, so that what is derived from it is the same every time. The same array until a row changes: what is
   * derived can be kept by it.
   */
  all(): readonly Row[] {
    this.#sorted ??= [...this.#rows].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
    return this.#sorted;
  }

  put(row: Row): void {
    const name = this.#name(row);
    this.#database.put(this.#table, name, JSON.stringify(row));
    this.#rows.set(name, row);
    this.#sorted = undefined;
  }

  delete(name: string): void {
    this.#database.delete(this.#table, name);
    this.#rows.delete(name);
    this.#sorted = undefined;
  }

  get size(): number {
    return this.#rows.size;
  }
}
