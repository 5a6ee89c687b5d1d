// The query parameters of Google's methods. Google refuses one that a method does not have, and one that comes twice and
// is no list: else a misspelt mask or filter would pass unnoticed.

import { googleError } from './google.ts';
import type { FakeReply, Route } from './service.ts';

const PAGES = ['pageSize', 'pageToken'];
const PRECONDITION = ['currentDocument.exists', 'currentDocument.updateTime'];

/** By operation, beside what every method has; a method that is not here has none of its own. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'cloudRun.services.create': ['serviceId', 'validateOnly'],
  'cloudRun.services.list': [...PAGES, 'showDeleted'],
  'cloudRun.services.update': ['updateMask', 'allowMissing', 'forceNewRevision', 'validateOnly'],
  'cloudRun.services.delete': ['etag', 'validateOnly'],
  'cloudRun.services.getIamPolicy': ['options.requestedPolicyVersion'],
  'cloudRun.revisions.list': [...PAGES, 'showDeleted'],
  'cloudRun.revisions.delete': ['etag', 'validateOnly'],
  'cloudRun.operations.list': [...PAGES, 'filter'],
  'secretManager.secrets.create': ['secretId'],
  'secretManager.secrets.list': [...PAGES, 'filter'],
  'secretManager.secrets.patch': ['updateMask'],
  'secretManager.secrets.delete': ['etag'],
  'secretManager.versions.list': [...PAGES, 'filter'],
  'kms.keyRings.create': ['keyRingId'],
  'kms.keyRings.list': PAGES,
  'kms.cryptoKeys.create': ['cryptoKeyId', 'skipInitialVersionCreation'],
  'kms.cryptoKeys.list': PAGES,
  'kms.cryptoKeys.patch': ['updateMask'],
  'kms.cryptoKeyVersions.list': [...PAGES, 'filter'],
  'kms.cryptoKeyVersions.patch': ['updateMask'],
  'firestore.documents.create': ['documentId'],
  'firestore.documents.list': PAGES,
  'firestore.documents.get': ['transaction'],
  'firestore.documents.patch': ['updateMask.fieldPaths', ...PRECONDITION],
  'firestore.documents.delete': PRECONDITION,
  'firestore.databases.create': ['databaseId'],
  'firestore.indexes.list': PAGES,
  'firestore.operations.list': PAGES,
};

/** Of every method, as far as they change nothing in an answer that is JSON; `$alt` is `asksForNumbers`'s. */
const OF_ALL = [
  ...['$alt', 'alt', 'key', '$key', 'prettyPrint', '$prettyPrint', 'quotaUser', '$.xgafv'],
  ...['uploadType', 'upload_protocol'],
];
/** The vendor has them somewhere, the fakes nowhere. */
const NOT_COVERED = [
  ...['fields', '$fields', 'callback', '$callback', 'access_token', 'oauth_token'],
  ...['filter', 'orderBy', 'view', 'versionView', 'returnPartialSuccess', 'showDeleted', 'etag'],
  ...['mask.fieldPaths', 'readTime', 'showMissing', 'recursive', 'transaction', 'requestOptions.requestTags'],
];
const LISTS = ['updateMask.fieldPaths'];

/** The same routes, each of which refuses what its method does not have. */
export const withKnownQueries = (routes: readonly Route[]): Route[] =>
  routes.map(route => {
    const known = [...(OWN[route.operation] ?? []), ...OF_ALL];
    return {
      ...route,
      handle: context => {
        if (context.query.size === 0) return route.handle(context);
        const query = inCamelCase(context.query);
        return queryRefusal(query, known) ?? route.handle({ ...context, query });
      },
    };
  });

/** Google takes a parameter by its name in the protocol as well: `update_mask`. */
function inCamelCase(query: URLSearchParams): URLSearchParams {
  if (![...query.keys()].some(name => name.includes('_'))) return query;
  const named = [...query].map(([name, value]) => {
    const isKnown = OF_ALL.includes(name) || NOT_COVERED.includes(name);
    return [isKnown ? name : name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value];
  });
  return new URLSearchParams(named);
}

function queryRefusal(query: URLSearchParams, known: readonly string[]): FakeReply | undefined {
  for (const name of query.keys()) {
    if (!known.includes(name))
      return NOT_COVERED.includes(name)
        ? googleError(501, `The fake does not cover the parameter ${name} of this method.`)
        : googleError(
            400,
            `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter. Field '${name}' could not be found in request message.`,
          );
    if (!LISTS.includes(name) && query.getAll(name).length > 1)
      return googleError(
        400,
        `Invalid JSON payload received. Unknown name "${name}": Proto field is not repeating, cannot start list.`,
      );
  }
  const alt = query.get('alt') ?? 'json';
  return alt === 'json' ? undefined : googleError(501, `The fake does not cover alt=${alt}.`);
}
