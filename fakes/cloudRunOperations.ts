// The long-running operations of Cloud Run: an operation is a moment at which it is done, and what it then says.

import { googleError, pageOf, unknownName } from './google.ts';
import type { FakeReply, RouteContext } from './service.ts';

/** What an operation is about. */
export type Work = {
  /** Moves when something else ends it first. */
  readonly doneAtMs: () => number;
  /** The resource at a moment, with its type. */
  readonly resourceAt: (nowMs: number) => Record<string, unknown>;
  /** Undefined when it ends well. */
  readonly errorAt: (nowMs: number) => { readonly code: number; readonly message: string } | undefined;
};

type Operation = Work & { readonly name: string };
type Handler = (context: RouteContext) => FakeReply;

export type Operations = Readonly<Record<'get' | 'list' | 'wait' | 'remove', Handler>> & {
  /** The answer to the call that starts it. */
  readonly start: (parent: string, work: Work, nowMs: number) => FakeReply;
  /** The answer to a call that only asks what would be. */
  readonly preview: (parent: string, response: Record<string, unknown>) => FakeReply;
};

const PAGE_SIZE_MAX = 100;
/** The oldest are forgotten, as the vendor's are after a time; ten for each company of the largest rollout. */
const OPERATIONS_MAX = 100_000;
const FILTER = /^(?:done:(true|false))?$/;
const DURATION = /^(\d{1,6}(?:\.\d{1,9})?)s$/;
/** What a caller who names no time-out waits at most; the vendor leaves it to the connection. Assumed. */
const WAIT_SECONDS_MAX = 300;

export function createOperations(): Operations {
  const operations = new Map<string, Operation>();
  let started = 0;
  const keep = (operation: Operation) => {
    if (operations.size >= OPERATIONS_MAX) operations.delete(operations.keys().next().value!);
    operations.set(operation.name, operation);
  };
  const nextName = (parent: string) => `${parent}/operations/${String(++started).padStart(8, '0')}`;
  const parentOf = ({ params }: RouteContext) => `projects/${params.project}/locations/${params.location}`;

  /** Runs `handle` with the operation of the path, or answers 404. */
  const withOperation =
    (handle: (operation: Operation, context: RouteContext) => FakeReply): Handler =>
    context => {
      const operation = operations.get(`${parentOf(context)}/operations/${context.params.operation}`);
      return operation === undefined
        ? googleError(404, `Operation '${context.params.operation}' does not exist.`)
        : handle(operation, context);
    };

  const list: Handler = context => {
    const { query, nowMs } = context;
    const [match, done] = FILTER.exec(query.get('filter') ?? '') ?? [];
    if (match === undefined) return googleError(400, 'The filter must be done:true or done:false.');
    const prefix = `${parentOf(context)}/operations/`;
    const found = [...operations.values()]
      .filter(({ name }) => name.startsWith(prefix))
      .map(operation => operationResource(operation, nowMs))
      .filter(resource => done === undefined || String('done' in resource) === done);
    const page = pageOf(found, query, PAGE_SIZE_MAX);
    if (typeof page === 'string') return googleError(400, page);
    const { items, nextPageToken } = page;
    return { status: 200, body: { ...(items.length > 0 && { operations: items }), nextPageToken } };
  };

  // The answer is what will be when the wait is over, and the door waits that long before it gives it.
  const wait = withOperation((operation, { body, nowMs }) => {
    const problem = unknownName(body, ['timeout', 'name'], 'wait_operation_request');
    if (problem !== undefined) return googleError(400, problem);
    const { timeout = `${WAIT_SECONDS_MAX}s` } = body;
    const [, seconds] = (typeof timeout === 'string' && DURATION.exec(timeout)) || [];
    if (seconds === undefined) return googleError(400, "Invalid value at 'timeout'.");
    const waitMs = Math.max(0, Math.min(operation.doneAtMs() - nowMs, Number(seconds) * 1000));
    return { status: 200, body: operationResource(operation, nowMs + waitMs), waitMs };
  });

  return {
    start: (parent, work, nowMs) => {
      const operation = { ...work, name: nextName(parent) };
      keep(operation);
      return { status: 200, body: operationResource(operation, nowMs) };
    },
    // It has no effect, so there is nothing to ask for by its name later.
    preview: (parent, response) => {
      const name = `${parent}/operations/validate-only`;
      return { status: 200, body: { name, metadata: response, done: true, response } };
    },
    get: withOperation((operation, { nowMs }) => ({
      status: 200,
      body: operationResource(operation, nowMs),
    })),
    list,
    wait,
    // What it was about goes on; only its name is forgotten.
    remove: withOperation(({ name }) => {
      operations.delete(name);
      return { status: 200, body: {} };
    }),
  };
}

function operationResource({ name, doneAtMs, resourceAt, errorAt }: Operation, nowMs: number) {
  const endsAtMs = doneAtMs();
  const atMs = Math.min(nowMs, endsAtMs);
  const resource = resourceAt(atMs);
  // Like every field that has its default, `done` is left out while it is false.
  if (nowMs < endsAtMs) return { name, metadata: resource };
  const error = errorAt(atMs);
  return error === undefined
    ? { name, metadata: resource, done: true, response: resource }
    : { name, metadata: resource, done: true, error };
}
