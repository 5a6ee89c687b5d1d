// Firestore by Google's client for Node: documents of a company, a transaction, a query and the index that it needs.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { auth, firestore } from '@googleapis/firestore';

const ASK_EVERY_MS = 1000;
const ASKED_MAX = 1200;
const { FIRESTORE_URL, GOOGLE_CLOUD_PROJECT: project } = process.env;
const { GOOGLE_OAUTH_ACCESS_TOKEN: access_token = '' } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(FIRESTORE_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const credential = new auth.OAuth2();
credential.setCredentials({ access_token });
const rootUrl = `${FIRESTORE_URL}/`;
const { databases } = firestore({ version: 'v1', auth: credential, rootUrl }).projects;
const { documents, operations } = databases;
const database = `projects/${project}/databases/(default)`;
const root = `${database}/documents`;
const collectionId = `agents-${Date.now().toString(36)}`;

const fields = (state: string, calls: number) => ({
  state: { stringValue: state },
  calls: { integerValue: String(calls) },
});
const update = (id: string, state: string, calls: number) => ({
  update: { name: `${root}/${collectionId}/${id}`, fields: fields(state, calls) },
});
const writes = [update('ada', 'active', 3), update('bob', 'idle', 5), update('cyd', 'active', 8)];
await documents.commit({ database, requestBody: { writes } });
console.log(`wrote ${writes.length} documents in one commit`);

const refusal = await documents
  .createDocument({ parent: root, collectionId, documentId: 'ada', requestBody: { fields: {} } })
  .then(
    () => assert.fail('a document was made twice'),
    error => error,
  );
assert.equal(refusal.response.data.error.status, 'ALREADY_EXISTS');
console.log(`a second one is refused: ${refusal.message}`);

const { transaction } = (await documents.beginTransaction({ database, requestBody: {} })).data;
const name = `${root}/${collectionId}/ada`;
const seen = (await documents.get({ name, transaction: transaction! })).data;
const calls = Number(seen.fields!.calls.integerValue) + 1;
await documents.commit({
  database,
  requestBody: { transaction: transaction!, writes: [update('ada', 'active', calls)] },
});
assert.equal((await documents.get({ name })).data.fields!.calls.integerValue, '4');
console.log('counted a call in a transaction');

const listed: string[] = [];
let pageToken: string | undefined;
do {
  const page = { parent: root, collectionId, pageSize: 2, ...(pageToken && { pageToken }) };
  const { data } = await documents.list(page);
  listed.push(...data.documents!.map(document => document.name!));
  pageToken = data.nextPageToken ?? undefined;
} while (pageToken);
assert.equal(listed.length, writes.length);
console.log(`listed ${listed.length} documents, 2 a page`);

const ordered = [
  { fieldPath: 'state', order: 'ASCENDING' },
  { fieldPath: 'calls', order: 'DESCENDING' },
];
const parent = `${database}/collectionGroups/${collectionId}`;
const requestBody = { queryScope: 'COLLECTION', fields: ordered };
let operation = (await databases.collectionGroups.indexes.create({ parent, requestBody })).data;
for (let asked = 0; !operation.done; asked++) {
  assert(asked < ASKED_MAX, 'the index is not built');
  await sleep(ASK_EVERY_MS);
  operation = (await operations.get({ name: operation.name! })).data;
}
console.log('built the index that the query needs');

const active = { field: { fieldPath: 'state' }, op: 'EQUAL', value: { stringValue: 'active' } };
const structuredQuery = {
  from: [{ collectionId }],
  where: { fieldFilter: active },
  orderBy: [{ field: { fieldPath: 'calls' }, direction: 'DESCENDING' }],
};
const { data: answers } = await documents.runQuery({ parent: root, requestBody: { structuredQuery } });
// The client types the stream of answers as one of them.
const found = (answers as unknown as { document: { name: string } }[]).map(({ document }) => document.name);
assert.deepEqual(
  found,
  ['cyd', 'ada'].map(id => `${root}/${collectionId}/${id}`),
);
console.log('found the active ones, the busiest first');

await databases.collectionGroups.indexes.delete({ name: (operation.response as { name: string }).name });
for (const document of listed) await documents.delete({ name: document });
await assert.rejects(documents.get({ name }), { status: 404 });
console.log('done: firestore');
