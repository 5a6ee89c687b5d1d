// How Cloud Run says no to a request as such: a field, a flag or an etag that is not as it must be.

import { googleError } from './google.ts';
import type { FakeReply } from './service.ts';

const FLAGS = ['validateOnly', 'allowMissing', 'forceNewRevision', 'showDeleted'];

export function invalid(request: string, field: string, description: string): FakeReply {
  const violation = {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    fieldViolations: [{ field, description }],
  };
  return googleError(400, `Violation in ${request}.${field}: ${description}`, [violation]);
}

/** The caller's etag, if it gives one, must be the resource's own. */
export function conflict(id: string, given: string | null, own: string): FakeReply | undefined {
  if (given === null || given === '' || given === own) return undefined;
  const [stale, current] = [given, own].map(etag => etag.replaceAll('"', ''));
  const message = `Conflict for resource '${id}': version '${stale}' was specified but current version is '${current}'.`;
  return googleError(409, message, undefined, 'ABORTED');
}

/** A flag of the query is a boolean. */
export function flagProblem(query: URLSearchParams): FakeReply | undefined {
  const flag = FLAGS.find(name => !['true', 'false'].includes(query.get(name) ?? 'false'));
  return flag === undefined
    ? undefined
    : googleError(400, `Invalid value at '${flag}' (TYPE_BOOL), "${query.get(flag)}"`);
}
