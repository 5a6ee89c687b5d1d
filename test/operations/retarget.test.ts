// A company's name follows its service: the record is changed, and the end is what the resolver says, not a wait.

import { expect, it } from 'vitest';
import { retarget } from '../../src/operations/retarget.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { runWorld } from './world.ts';

const NAME = 'c00001.mcp.asoos.2100.cool';
const RECORDS = 'https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records';
/** Longer than several looks at the resolver lie apart. */
const PROPAGATION_MS = 20_000;

it('is done when the resolver gives the new content and the company answers under it, and not before', async () => {
  const scenario = rolloutOf(2, { facts: { 'lat.cloudflare.propagation': PROPAGATION_MS } });
  const ran = await runWorld(scenario, async ({ operations, meddle, clock, stores }) => {
    const list = meddle('GET', `${RECORDS}?name.exact=${NAME}`).body as { result: { id: string }[] };
    const [{ id }] = list.result;
    meddle('PATCH', `${RECORDS}/${id}`, { content: 'elsewhere.example.com', proxied: false });
    await clock.sleep(10 * PROPAGATION_MS);
    expect(meddle('GET', `https://${NAME}/health`).status).toBe(404);
    const beganAtMs = clock.nowMs();
    const ended = await retarget(operations, 'c00001');
    expect(ended).toMatchObject({ state: 'done', reason: '' });
    expect(meddle('GET', `https://${NAME}/health`).status).toBe(200);
    const changed = stores.records.get('c00001')?.serviceUri;
    expect(changed).toBe(stores.records.get('c00000')?.serviceUri.replace('c00000', 'c00001'));
    expect(ended.finishedAtMs - beganAtMs).toBeGreaterThan(1000);
  });
  const edits = ran.cloud.ledger.entries.filter(
    ({ kind, effect, company }) => kind === 'dnsRecord' && effect === 'changed' && company === 'c00001',
  );
  expect(edits.map(({ detail }) => detail)).toEqual([
    'elsewhere.example.com',
    expect.stringMatching(/run\.app proxied$/),
  ]);
  const resolverAt = ran.sent.filter(
    ({ url, key }) => url.startsWith('https://cloudflare-dns.com/') && key[0] === 1 && key[1] >= 1000,
  );
  expect(resolverAt.length).toBeGreaterThan(1);
  expect(ran.violations()).toEqual([]);
});

it('changes nothing where the name leads to the service already', async () => {
  const ran = await runWorld(rolloutOf(2), async ({ operations, cloud }) => {
    const effects = cloud.ledger.entries.length;
    expect(await retarget(operations, 'c00001')).toMatchObject({ state: 'done' });
    expect(cloud.ledger.entries).toHaveLength(effects);
  });
  expect(ran.violations()).toEqual([]);
});
