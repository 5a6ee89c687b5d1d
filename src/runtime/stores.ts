// What provisioners share, in one embedded SQLite file: the rollout's journal, its leases and slots, and the platform's
// registry. WAL, every append flushed to disk before it resolves; processes of one machine may share it.

import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { SandtableError } from '../errors.ts';
import type {
  CompanyRecord,
  JournalEntry,
  Lease,
  ProcessCounts,
  ProvisioningStores,
  StepTime,
} from '../ports.ts';

export type Stores = ProvisioningStores & {
  /** A value that belongs to the whole file, such as the scenario's hash. */
  readonly label: (name: string) => Promise<string | undefined>;
  readonly setLabel: (name: string, value: string) => Promise<void>;
  readonly close: () => void;
};

/** Raises it when a table or a row changes its meaning; an older file is then refused, not misread. */
const SCHEMA_VERSION = 3;

const FORGET = ['journal', 'lease', 'slot', 'registry', 'label']
  .map(table => `DROP TABLE IF EXISTS ${table};`)
  .join(' ');

/** How long opening waits for another process's write: theirs take milliseconds. */
const OPENING_MS_MAX = 5000;
/** How long each try of a write may hold up this process, and how long it lets go before the next. */
const BUSY_MS = 50;
/**
 * A process that is held still in the middle of a write holds up all others. They go on once somebody wakes or ends it,
 * and say what is wrong when nobody does.
 */
const HELD_MS_MAX = 600_000;

/**
 * Opens or makes the file; `fresh` forgets what it holds. Throws JOURNAL when it is no journal, is held by another
 * process or cannot be written.
 */
export function openStores(path: string, fresh = false): Stores {
  const database = guard(path, () => open(path, fresh));
  const unsynced = guard(path, () => openUnsynced(path));
  const statements = {
    append: database.prepare(`INSERT INTO journal (${ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    epoch: database.prepare('SELECT epoch FROM lease WHERE name = ?'),
    read: database.prepare(`SELECT ${ENTRY} FROM journal WHERE company >= ? AND company < ? ORDER BY n`),
    last: database.prepare('SELECT MAX(n) AS n FROM journal'),
    changed: database.prepare(
      'SELECT DISTINCT company FROM journal WHERE n > ? AND n <= ? AND company >= 0 ORDER BY company',
    ),
    lease: unsynced.prepare('SELECT holder, epoch, until_ms FROM lease WHERE name = ?'),
    putLease: unsynced.prepare(
      'INSERT OR REPLACE INTO lease (name, holder, epoch, until_ms) VALUES (?, ?, ?, ?)',
    ),
    moveLease: unsynced.prepare('UPDATE lease SET until_ms = ? WHERE name = ? AND epoch = ?'),
    slot: unsynced.prepare('SELECT next_at_ms FROM slot WHERE name = ?'),
    putSlot: unsynced.prepare('INSERT OR REPLACE INTO slot (name, next_at_ms) VALUES (?, ?)'),
    put: database.prepare('INSERT OR REPLACE INTO registry (id, record) VALUES (?, ?)'),
    get: database.prepare('SELECT record FROM registry WHERE id = ?'),
    delete: database.prepare('DELETE FROM registry WHERE id = ?'),
    list: database.prepare('SELECT record FROM registry ORDER BY id'),
    label: database.prepare('SELECT value FROM label WHERE name = ?'),
    setLabel: database.prepare('INSERT OR REPLACE INTO label (name, value) VALUES (?, ?)'),
  };
  const recordOf = (row: Record<string, unknown> | undefined) =>
    row === undefined ? undefined : (JSON.parse(row.record as string) as CompanyRecord);
  const whenFree = <T>(work: () => T): Promise<T> => patiently(path, work);
  const write = <T>(to: DatabaseSync, work: () => T): Promise<T> => whenFree(() => transaction(to, work));
  const isNewest = ({ name, epoch }: Lease) => statements.epoch.get(name)?.epoch === epoch;
  const nextSlotMs = (limit: string) =>
    (statements.slot.get(limit)?.next_at_ms as number | undefined) ?? Number.NEGATIVE_INFINITY;
  return {
    journal: {
      append: async (entries, lease) =>
        write(database, () => {
          if (lease !== undefined && !isNewest(lease)) return false;
          for (const entry of entries) statements.append.run(...rowOf(entry));
          return true;
        }),
      read: async ({ from, to } = { from: -1, to: Number.MAX_SAFE_INTEGER }) =>
        whenFree(() => statements.read.all(from, to).map(entryOf)),
      changedSince: async mark =>
        whenFree(() => {
          const last = (statements.last.get()?.n as number | null) ?? 0;
          const changed = statements.changed.all(mark ?? last, last);
          return { companies: changed.map(({ company }) => company as number), mark: last };
        }),
    },
    leases: {
      take: async (name, holder, nowMs, untilMs) =>
        write(unsynced, () => {
          const held = statements.lease.get(name) as Held | undefined;
          if (held !== undefined && held.until_ms > nowMs && held.holder !== holder && isAlive(held.holder))
            return undefined;
          const epoch = (held?.epoch ?? 0) + 1;
          statements.putLease.run(name, holder, epoch, untilMs);
          return { name, holder, epoch, untilMs };
        }),
      extend: async (lease, untilMs) =>
        write(unsynced, () => {
          const { changes } = statements.moveLease.run(untilMs, lease.name, lease.epoch);
          return changes === 0 ? undefined : { ...lease, untilMs };
        }),
      end: async ({ name, epoch }) => write(unsynced, () => void statements.moveLease.run(0, name, epoch)),
    },
    slots: {
      take: async (limit, nowMs, intervalMs) =>
        write(unsynced, () => {
          const atMs = Math.max(nowMs, nextSlotMs(limit));
          statements.putSlot.run(limit, atMs + intervalMs);
          return atMs;
        }),
      hold: async (limit, atMs) =>
        write(unsynced, () => void statements.putSlot.run(limit, Math.max(atMs, nextSlotMs(limit)))),
    },
    registry: {
      put: async record => whenFree(() => void statements.put.run(record.id, JSON.stringify(record))),
      get: async id => whenFree(() => recordOf(statements.get.get(id))),
      delete: async id => whenFree(() => void statements.delete.run(id)),
      list: async () => whenFree(() => statements.list.all().map(row => recordOf(row)!)),
    },
    label: async name => whenFree(() => statements.label.get(name)?.value as string | undefined),
    setLabel: async (name, value) => whenFree(() => void statements.setLabel.run(name, value)),
    close: () => {
      unsynced.close();
      database.close();
    },
  };
}

function open(path: string, fresh: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: OPENING_MS_MAX });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    transaction(database, () => createTables(database, fresh));
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/**
 * For leases and slots: whoever could remember what a failure of power takes away of them is gone with it, so they need
 * not wait for the disk.
 */
function openUnsynced(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  database.exec('PRAGMA synchronous = NORMAL');
  return database;
}

function createTables(database: DatabaseSync, fresh: boolean): void {
  if (fresh) {
    expectUnheld(database);
    database.exec(FORGET);
  }
  const version = fresh ? 0 : database.prepare('PRAGMA user_version').get()?.user_version;
  if (version !== 0 && version !== SCHEMA_VERSION)
    throw new Error(`it has schema version ${version}, not ${SCHEMA_VERSION}`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS journal (
      n INTEGER PRIMARY KEY, company INTEGER NOT NULL, step TEXT NOT NULL, event TEXT NOT NULL,
      at_ms REAL NOT NULL, deadline_at_ms REAL, id TEXT, reason TEXT, time TEXT, counts TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS journal_company ON journal (company);
    CREATE TABLE IF NOT EXISTS lease (
      name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, until_ms REAL NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS slot (name TEXT PRIMARY KEY, next_at_ms REAL NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS registry (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS label (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    PRAGMA user_version = ${SCHEMA_VERSION};`);
}

/** What another process works on must not be forgotten under its hands. */
function expectUnheld(database: DatabaseSync): void {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lease'").get();
  if (known === undefined) return;
  for (const { holder } of database.prepare('SELECT holder FROM lease WHERE until_ms > 0').all())
    if (PROCESS.test(holder as string) && isAlive(holder as string)) throw new Error(`${holder} works on it`);
}

/** Tries again while another process holds the file, and lets this one's other work go on meanwhile. */
async function patiently<T>(path: string, work: () => T): Promise<T> {
  const givenUpAtMs = performance.now() + HELD_MS_MAX;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > givenUpAtMs) throw unusable(path, error);
    }
    await delay(BUSY_MS);
  }
}

/** SQLITE_BUSY and what extends it. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;

/** All of the work or nothing. */
function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled some failures back itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

type Held = { readonly holder: string; readonly epoch: number; readonly until_ms: number };

/** How a provisioner on this machine names itself. */
export const holderOf = (pid: number): string => `process ${pid}`;
const PROCESS = /^process (\d+)$/;

/** A holder that names a process of this machine which is gone holds nothing: nobody has to wait until its leases end. */
function isAlive(holder: string): boolean {
  const pid = Number(PROCESS.exec(holder)?.[1]);
  if (Number.isNaN(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Columns of an entry; the last two are JSON. */
const ENTRY = 'company, step, event, at_ms, deadline_at_ms, id, reason, time, counts';

const jsonOf = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

function rowOf(entry: JournalEntry): (string | number | null)[] {
  const { company, step, event, atMs, deadlineAtMs, id, reason, time, counts } = entry;
  const own = [company, step, event, atMs, deadlineAtMs ?? null, id ?? null, reason ?? null];
  return [...own, jsonOf(time), jsonOf(counts)];
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
    ...(row.time !== null && { time: JSON.parse(row.time as string) as StepTime }),
    ...(row.counts !== null && { counts: JSON.parse(row.counts as string) as ProcessCounts }),
  };
}

function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): SandtableError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SandtableError('JOURNAL', `the journal ${path} cannot be used: ${message}`);
}
