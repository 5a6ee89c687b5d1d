// Firestore's transactions: begun, read in, and then committed or rolled back. The vendor locks what is read; here a commit
// is aborted when something that it read has changed since, which is what a client sees of it, so far as it is assumed.

import type { Document } from './firestore.ts';
import { googleError, unknownName } from './google.ts';
import { type FakeReply, isObject, type RouteContext } from './service.ts';

/** The vendor's own limits: of a transaction, and between two calls in it. */
const LIFETIME_MS = 270_000;
const IDLE_MS = 60_000;

type Transaction = {
  readonly root: string;
  readonly isReadOnly: boolean;
  readonly beganAtMs: number;
  lastAtMs: number;
  /** As it was read; undefined where there was no document. */
  readonly reads: Map<string, Document | undefined>;
};
type Handler = (root: string, context: RouteContext) => FakeReply;

export type Transactions = Readonly<Record<'begin' | 'rollback', Handler>> & {
  /** Remembers what a call in the transaction has read, or refuses it. Without an id there is nothing to remember. */
  readonly read: (id: unknown, root: string, found: Reads, nowMs: number) => FakeReply | undefined;
  /** Ends it with a commit: a refusal when it may not be. */
  readonly end: (
    id: unknown,
    root: string,
    writes: number,
    current: (name: string) => Document | undefined,
    nowMs: number,
  ) => FakeReply | undefined;
};
type Reads = readonly (readonly [name: string, document: Document | undefined])[];

export function createTransactions(): Transactions {
  const open = new Map<string, Transaction>();
  let begun = 0;

  const isOver = ({ beganAtMs, lastAtMs }: Transaction, nowMs: number) =>
    nowMs - beganAtMs >= LIFETIME_MS || nowMs - lastAtMs >= IDLE_MS;

  /** The open one of that id, or undefined. */
  const find = (id: unknown, root: string, nowMs: number): Transaction | undefined => {
    const transaction = open.get(String(id));
    if (transaction === undefined || transaction.root !== root || isOver(transaction, nowMs))
      return undefined;
    transaction.lastAtMs = nowMs;
    return transaction;
  };

  const begin: Handler = (root, { body, nowMs }) => {
    const problem = optionsProblem(body);
    if (problem !== undefined) return problem;
    for (const [id, transaction] of open) if (isOver(transaction, nowMs)) open.delete(id);
    const id = btoa(`transaction ${++begun}`);
    const isReadOnly = body.options?.readOnly !== undefined;
    open.set(id, { root, isReadOnly, beganAtMs: nowMs, lastAtMs: nowMs, reads: new Map() });
    return { status: 200, body: { transaction: id } };
  };

  const rollback: Handler = (root, { body, nowMs }) => {
    const unknown = unknownName(body, ['transaction'], 'rollback_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (find(body.transaction, root, nowMs) === undefined) return expired();
    open.delete(body.transaction);
    return { status: 200, body: {} };
  };

  const read: Transactions['read'] = (id, root, found, nowMs) => {
    if (id === undefined || id === null || id === '') return undefined;
    const transaction = find(id, root, nowMs);
    if (transaction === undefined) return expired();
    for (const [name, document] of found)
      if (!transaction.reads.has(name)) transaction.reads.set(name, document);
    return undefined;
  };

  const end: Transactions['end'] = (id, root, writes, current, nowMs) => {
    if (id === undefined || id === null || id === '') return undefined;
    const transaction = find(id, root, nowMs);
    if (transaction === undefined) return expired();
    if (transaction.isReadOnly && writes > 0)
      return googleError(400, 'Cannot modify entities in a read-only transaction.');
    open.delete(String(id));
    // A document is a new object after each change.
    for (const [name, document] of transaction.reads)
      if (current(name) !== document)
        return googleError(409, 'Aborted due to cross-transaction contention.', undefined, 'ABORTED');
    return undefined;
  };

  return { begin, rollback, read, end };
}

const expired = () => googleError(400, 'The referenced transaction has expired or is no longer valid.');

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
function optionsProblem(body: any): FakeReply | undefined {
  const { options = {} } = body;
  const unknown = unknownName(body, ['options'], 'begin_transaction_request');
  if (unknown !== undefined) return googleError(400, unknown);
  if (!isObject(options)) return googleError(400, 'options must be an object.');
  const other = unknownName(options, ['readOnly', 'readWrite'], 'options');
  if (other !== undefined) return googleError(400, other);
  const modes = Object.values(options);
  if (modes.length > 1 || !modes.every(isObject))
    return googleError(400, 'options must be one of read_only and read_write.');
  const field = Object.keys(modes[0] ?? {})[0];
  return field === undefined
    ? undefined
    : googleError(501, `The fake does not cover the option ${field} of a transaction.`);
}
