// Pinecone by its own client: an index, a namespace a company, and a search. The client finds PINECONE_API_KEY and
// PINECONE_CONTROLLER_HOST in the environment, and each index by the host that the vendor names.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, Pinecone } from '@pinecone-database/pinecone';

const ASK_EVERY_MS = 500;
const ASKED_MAX = 240;

const { PINECONE_CONTROLLER_HOST } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(PINECONE_CONTROLLER_HOST?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const client = new Pinecone();
const name = `example-${Date.now().toString(36)}`;
const spec = { serverless: { cloud: 'gcp', region: 'us-central1' } } as const;

await client.createIndex({ name, dimension: 3, metric: 'cosine', spec, tags: { team: 'search' } });
for (let asked = 0; !(await client.describeIndex(name)).status.ready; asked++) {
  assert(asked < ASKED_MAX, 'the index does not become ready');
  await sleep(ASK_EVERY_MS);
}
console.log(`index ${name} is ready`);

const refusal = await client.createIndex({ name, dimension: 3, spec }).then(
  () => assert.fail('an index was made twice'),
  error => error,
);
assert(refusal instanceof Errors.PineconeConflictError, refusal);
console.log(`a second one is refused: ${refusal.message.split('\n')[0]}`);

const index = client.index({ name });
const company = index.namespace('company-1');
const records = [
  { id: 'doc-1', values: [1, 0, 0], metadata: { kind: 'invoice' } },
  { id: 'doc-2', values: [0.9, 0.1, 0], metadata: { kind: 'order' } },
  { id: 'doc-3', values: [0, 0, 1], metadata: { kind: 'invoice' } },
];
await company.upsert({ records });
await index.namespace('company-2').upsert({ records: records.slice(0, 1) });
console.log('upserted records of 2 companies');

await company.update({ id: 'doc-3', metadata: { kind: 'letter' } });
const { matches } = await company.query({ vector: [1, 0, 0], topK: 2, includeMetadata: true });
assert.deepEqual(
  matches.map(({ id }) => id),
  ['doc-1', 'doc-2'],
);
const letters = await company.query({ vector: [1, 0, 0], topK: 2, filter: { kind: { $eq: 'letter' } } });
assert.deepEqual(
  letters.matches.map(({ id }) => id),
  ['doc-3'],
);
console.log(`the nearest is ${matches[0].id}, the only letter ${letters.matches[0].id}`);

const listed: string[] = [];
let paginationToken: string | undefined;
do {
  const page = await company.listPaginated({
    prefix: 'doc-',
    limit: 2,
    ...(paginationToken && { paginationToken }),
  });
  listed.push(...(page.vectors ?? []).map(({ id }) => id!));
  paginationToken = page.pagination?.next;
} while (paginationToken);
assert.deepEqual(listed, ['doc-1', 'doc-2', 'doc-3']);
console.log(`listed ${listed.length} records, 2 a page`);

await company.deleteOne({ id: 'doc-1' });
await index.deleteNamespace('company-2');
const stats = await index.describeIndexStats();
assert.equal(stats.totalRecordCount, 2);
await client.deleteIndex(name);
await assert.rejects(client.describeIndex(name), Errors.PineconeNotFoundError);
console.log('done: pinecone');
