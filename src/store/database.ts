/** A value that both back ends can bind: text, number (integer or real), or null. JSON is stored as text. */
export type SqlValue = string | number | null;
export type Row = Record<string, SqlValue>;

/**
 * The database behind one small interface. SQL is the common subset of SQLite and PostgreSQL: `?` placeholders,
 * `ON CONFLICT … DO …`, `RETURNING`; no JSON functions, no dialect words. All methods are asynchronous, so that a
 * back end over a network fits.
 */
export interface Database {
  /** All rows of a query. */
  all<T extends Row = Row>(sql: string, ...params: SqlValue[]): Promise<T[]>;
  /** The first row of a query, or undefined. */
  get<T extends Row = Row>(sql: string, ...params: SqlValue[]): Promise<T | undefined>;
  /** Runs a statement; the number of rows that it changed. */
  run(sql: string, ...params: SqlValue[]): Promise<number>;
  /**
   * Runs `work` in one transaction that is durable when the promise resolves; rolled back when `work` throws.
   * Transactions do not nest: inside `work` use only the `tx` passed to it. Concurrent calls wait for each other.
   */
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
