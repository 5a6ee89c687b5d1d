// Cloudflare by its own client: names for a company, a certificate for one of them, and a token of its own. The client
// finds CLOUDFLARE_BASE_URL and CLOUDFLARE_API_TOKEN in the environment.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import Cloudflare from 'cloudflare';

const ASK_EVERY_MS = 500;
const ASKED_MAX = 120;

const { CLOUDFLARE_BASE_URL } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(CLOUDFLARE_BASE_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const client = new Cloudflare();
const [zone] = (await client.zones.list()).result;
assert(zone, 'the account has no zone');
const zone_id = zone.id;
const company = `company-${Date.now().toString(36)}.${zone.name}`;
console.log(`zone ${zone.name}`);

const create = (name: string) =>
  client.dns.records.create({ zone_id, type: 'CNAME', name, content: 'eu.run.app', ttl: 1, proxied: true });
const made = [await create(company), await create(`api.${company}`), await create(`mcp.${company}`)];
console.log(`created ${made.map(({ name }) => name).join(', ')}`);

await client.dns.records.edit(made[0].id, {
  zone_id,
  type: 'CNAME',
  name: company,
  ttl: 1,
  content: 'us.run.app',
});
const read = await client.dns.records.get(made[0].id, { zone_id });
assert.equal(read.content, 'us.run.app');
console.log(`${read.name} now points at ${read.content}`);

const listed: string[] = [];
const ofCompany = { zone_id, name: { endswith: company }, order: 'name', per_page: 2 } as const;
for await (const { id } of client.dns.records.list(ofCompany)) listed.push(id);
assert.deepEqual(listed.sort(), made.map(({ id }) => id).sort());
console.log(`listed ${listed.length} records, 2 a page`);

const duplicate = await create(company).then(
  () => assert.fail('a record was made twice'),
  error => error,
);
assert(duplicate instanceof Cloudflare.APIError && duplicate.status === 400, duplicate);
console.log(`a second one is refused: ${duplicate.errors.map(({ code, message }) => `${code} ${message}`)}`);

const ssl = { method: 'http', type: 'dv' } as const;
const { id: hostname } = await client.customHostnames.create({ zone_id, hostname: company, ssl });
for (let asked = 0; ; asked++) {
  const { ssl } = await client.customHostnames.get(hostname, { zone_id });
  if (ssl?.status === 'active') break;
  assert(asked < ASKED_MAX, `the certificate is still ${ssl?.status}`);
  await sleep(ASK_EVERY_MS);
}
console.log(`https://${company} has its certificate`);

const token = await client.user.tokens.create({
  name: company,
  policies: [{ effect: 'allow', permission_groups: [{ id: 'dns-write' }], resources: { '*': '*' } }],
});
const own = new Cloudflare({ apiToken: token.value! });
assert.equal((await own.user.tokens.verify()).status, 'active');
await client.user.tokens.delete(token.id!);
await assert.rejects(own.user.tokens.verify(), Cloudflare.AuthenticationError);
console.log('a token of its own was good until it was revoked');

await client.customHostnames.delete(hostname, { zone_id });
for (const { id } of made) await client.dns.records.delete(id, { zone_id });
await assert.rejects(client.dns.records.get(made[0].id, { zone_id }), Cloudflare.NotFoundError);
console.log('done: cloudflare');
