// The rollout's journal and the platform's registry in one embedded SQLite file: WAL, every append flushed to disk
// before it resolves, one process at a time.

import { DatabaseSync } from 'node:sqlite';
import { SandtableError } from '../errors.ts';
import type { CompanyRecord, Journal, JournalEntry, Registry } from '../ports.ts';

export type Stores = {
  readonly journal: Journal;
  readonly registry: Registry;
  /** A value that belongs to the whole file, such as the scenario's hash. */
  readonly label: (name: string) => string | undefined;
  readonly setLabel: (name: string, value: string) => void;
  readonly close: () => void;
};

/** Raises it when a table or a row changes its meaning; an older file is then refused, not misread. */
const SCHEMA_VERSION = 1;

const FORGET = 'DROP TABLE IF EXISTS journal; DROP TABLE IF EXISTS registry; DROP TABLE IF EXISTS label';

/**
 * Opens or makes the file; `fresh` forgets what it holds. Throws JOURNAL when it is no journal, is held by another
 * process or cannot be written.
 */
export function openStores(path: string, fresh = false): Stores {
  const database = guard(path, () => open(path, fresh));
  const statements = {
    append: database.prepare(
      'INSERT INTO journal (company, step, event, at_ms, deadline_at_ms, id, reason) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    read: database.prepare(
      'SELECT company, step, event, at_ms, deadline_at_ms, id, reason FROM journal ORDER BY n',
    ),
    put: database.prepare('INSERT OR REPLACE INTO registry (id, record) VALUES (?, ?)'),
    get: database.prepare('SELECT record FROM registry WHERE id = ?'),
    delete: database.prepare('DELETE FROM registry WHERE id = ?'),
    list: database.prepare('SELECT record FROM registry ORDER BY id'),
    label: database.prepare('SELECT value FROM label WHERE name = ?'),
    setLabel: database.prepare('INSERT OR REPLACE INTO label (name, value) VALUES (?, ?)'),
  };
  const recordOf = (row: Record<string, unknown> | undefined) =>
    row === undefined ? undefined : (JSON.parse(row.record as string) as CompanyRecord);
  return {
    journal: {
      append: async entries =>
        guard(path, () =>
          transaction(database, () => {
            for (const { company, step, event, atMs, deadlineAtMs, id, reason } of entries)
              statements.append.run(
                company,
                step,
                event,
                atMs,
                deadlineAtMs ?? null,
                id ?? null,
                reason ?? null,
              );
          }),
        ),
      read: async () => guard(path, () => statements.read.all().map(entryOf)),
    },
    registry: {
      put: async record => guard(path, () => void statements.put.run(record.id, JSON.stringify(record))),
      get: async id => guard(path, () => recordOf(statements.get.get(id))),
      delete: async id => guard(path, () => void statements.delete.run(id)),
      list: async () => guard(path, () => statements.list.all().map(row => recordOf(row)!)),
    },
    label: name => guard(path, () => statements.label.get(name)?.value as string | undefined),
    setLabel: (name, value) => guard(path, () => void statements.setLabel.run(name, value)),
    close: () => database.close(),
  };
}

function open(path: string, fresh: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive: two processes on one rollout would both believe that they alone act.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    transaction(database, () => createTables(database, fresh));
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function createTables(database: DatabaseSync, fresh: boolean): void {
  if (fresh) database.exec(FORGET);
  const version = fresh ? 0 : database.prepare('PRAGMA user_version').get()?.user_version;
  if (version !== 0 && version !== SCHEMA_VERSION)
    throw new Error(`it has schema version ${version}, not ${SCHEMA_VERSION}`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS journal (
      n INTEGER PRIMARY KEY, company INTEGER NOT NULL, step TEXT NOT NULL, event TEXT NOT NULL,
      at_ms REAL NOT NULL, deadline_at_ms REAL, id TEXT, reason TEXT) STRICT;
    CREATE TABLE IF NOT EXISTS registry (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS label (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    PRAGMA user_version = ${SCHEMA_VERSION};`);
}

/** All of the work or nothing. */
function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // SQLite has rolled some failures back itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function entryOf(row: Record<string, unknown>): JournalEntry {
  return {
    company: row.company as number,
    step: row.step as string,
    event: row.event as JournalEntry['event'],
    atMs: row.at_ms as number,
    ...(row.deadline_at_ms !== null && { deadlineAtMs: row.deadline_at_ms as number }),
    ...(row.id !== null && { id: row.id as string }),
    ...(row.reason !== null && { reason: row.reason as string }),
  };
}

function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const hint = message.includes('locked') ? '; another process holds it' : '';
    throw new SandtableError('JOURNAL', `the journal ${path} cannot be used: ${message}${hint}`);
  }
}
