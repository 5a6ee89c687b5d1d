// Cloudflare's DNS records beyond one company's own: several zones, other names, filters, batches, wildcards, limits.

import { describe, expect, test } from 'vitest';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { dnsResolver } from '../../fakes/dnsResolver.ts';
import type { World } from '../../fakes/service.ts';
import { callerOf, createWorld, DOMAIN, DURATION_MS, effectsOf, NOW_MS, TOKEN, ZONE_ID } from './fakeCall.ts';

const OTHER_ZONE = 'a'.repeat(32);
const OTHER_DOMAIN = 'example.net';
const NO_ID = 'f'.repeat(32);
const recordsOf = (zone: string) => `/client/v4/zones/${zone}/dns_records`;
const RECORDS = recordsOf(ZONE_ID);
const named = (label: string, more: object = {}) => ({
  ...{ type: 'CNAME', name: `${label}.${DOMAIN}`, content: 'a.run.app', proxied: true },
  ...more,
});

const zones = new Map([
  [ZONE_ID, DOMAIN],
  [OTHER_ZONE, OTHER_DOMAIN],
]);

function open(world: World = createWorld({ zones })) {
  const zone = cloudflare(world);
  const call = callerOf(zone.service, { authorization: `Bearer ${TOKEN}` });
  const ask = callerOf(dnsResolver(zone), { accept: 'application/dns-json' });
  const post = (body: object, atMs = NOW_MS) => call({ method: 'POST', path: RECORDS, body, atMs });
  const batch = (body: object) => call({ method: 'POST', path: `${RECORDS}/batch`, body });
  const list = (query = '') => call({ method: 'GET', path: `${RECORDS}${query}` }).body.result;
  const labels = (query = '') => list(query).map(({ name }: { name: string }) => name.split('.')[0]);
  const idOf = (label: string, more: object = {}): string => post(named(label, more)).body.result.id;
  return { world, zone, call, ask, post, batch, list, labels, idOf };
}

const codeOf = ({ status, body }: { status: number; body: { errors: { code: number }[] } }) => [
  status,
  body.errors[0].code,
];

describe('a zone', () => {
  test('holds its own records, and only names of its domain', () => {
    const { world, call, post } = open();
    post(named('a'));
    const other = { ...named('a'), name: `b.${OTHER_DOMAIN}` };
    expect(post(other)).toMatchObject({ status: 400, body: { errors: [{ code: 9000 }] } });
    const made = call({ method: 'POST', path: recordsOf(OTHER_ZONE), body: other });
    expect(made.status).toBe(200);
    const { id } = made.body.result;
    expect(codeOf(call({ method: 'GET', path: `${RECORDS}/${id}` }))).toEqual([404, 81044]);
    expect(call({ method: 'GET', path: recordsOf(OTHER_ZONE) }).body.result).toHaveLength(1);
    expect(effectsOf(world)).toHaveLength(2);
  });

  test('within another answers for its names itself', () => {
    const { call, zone, post } = open();
    const name = `a.${DOMAIN}`;
    const body = { ...named('a'), content: 'outer.run.app' };
    call({ method: 'POST', path: recordsOf(OTHER_ZONE), body });
    expect(zone.recordAt(name, NOW_MS + DURATION_MS)).toBeUndefined();
    post(named('a'));
    expect(zone.recordAt(name, NOW_MS + DURATION_MS)?.content).toBe('a.run.app');
  });
});

describe('a record', () => {
  test('takes another name, and leaves the old one', () => {
    const { world, zone, call, idOf } = open();
    const id = idOf('old', { comment: 'company=c00001' });
    const name = `new.${DOMAIN}`;
    expect(call({ method: 'PATCH', path: `${RECORDS}/${id}`, body: { name } }).body.result).toMatchObject({
      ...{ id, name, content: 'a.run.app', comment: 'company=c00001' },
    });
    const seen = ['old', 'new'].map(label => zone.recordAt(`${label}.${DOMAIN}`, NOW_MS + DURATION_MS)?.type);
    expect(seen).toEqual([undefined, 'CNAME']);
    expect(effectsOf(world)).toEqual([
      `created dnsRecord CNAME old.${DOMAIN} c00001`,
      `deleted dnsRecord CNAME old.${DOMAIN} c00001`,
      `created dnsRecord CNAME new.${DOMAIN} c00001`,
    ]);
  });

  test('is overwritten: what the body does not name falls back to what it is by default', () => {
    const { world, call, idOf } = open();
    const id = idOf('a', { comment: 'company=c00001' });
    const body = { type: 'CNAME', name: `a.${DOMAIN}`, content: 'b.run.app' };
    const { result } = call({ method: 'PUT', path: `${RECORDS}/${id}`, body }).body;
    expect(result).toMatchObject({ ...body, id, ttl: 1, proxied: false, comment: null });
    expect(effectsOf(world).at(-1)).toBe(`changed dnsRecord CNAME a.${DOMAIN}`);
    const partial = call({ method: 'PUT', path: `${RECORDS}/${id}`, body: { content: 'c.run.app' } });
    expect(codeOf(partial)).toEqual([400, 1004]);
  });

  test.each([
    ['PATCH', { name: `b.${DOMAIN}` }, 81058],
    ['PATCH', { name: `b.${DOMAIN}`, content: 'c.run.app' }, 81053],
    ['PATCH', { name: 'b.example.org' }, 9000],
    ['PUT', { type: 'CNAME', name: `b.${DOMAIN}`, content: 'a.run.app' }, 81057],
  ])('that %s would put in the place of another stays as it is', (method, body, code) => {
    const { world, call, idOf, list } = open();
    const id = idOf('a');
    idOf('b');
    const before = list();
    expect(codeOf(call({ method, path: `${RECORDS}/${id}`, body }))).toEqual([400, code]);
    expect(list()).toEqual(before);
    expect(world.ledger.entries).toHaveLength(2);
  });
});

describe('the type of a record', () => {
  test.each([
    ['PATCH', { type: 'A', content: '192.0.2.1' }],
    ['PUT', { type: 'A', name: `a.${DOMAIN}`, content: '192.0.2.1' }],
  ])('is not changed by %s', (method, body) => {
    const { world, call, batch, idOf, list } = open();
    const id = idOf('a');
    const before = list();
    expect(codeOf(call({ method, path: `${RECORDS}/${id}`, body }))).toEqual([400, 1004]);
    const part = method === 'PATCH' ? 'patches' : 'puts';
    expect(codeOf(batch({ [part]: [{ id, ...body }] }))).toEqual([400, 1004]);
    expect(list()).toEqual(before);
    expect(world.ledger.entries).toHaveLength(1);
  });

  test('is another once the record is deleted and made again, which a batch does at once', () => {
    const { batch, idOf, list } = open();
    const body = { type: 'A', name: `a.${DOMAIN}`, content: '192.0.2.1' };
    expect(batch({ deletes: [{ id: idOf('a') }], posts: [body] }).status).toBe(200);
    expect(list()).toMatchObject([body]);
  });

  test('keeps an address from the name of an alias', () => {
    const { call, post, idOf } = open();
    idOf('b');
    const { id } = post({ type: 'A', name: `a.${DOMAIN}`, content: '192.0.2.1' }).body.result;
    const move = { method: 'PATCH', path: `${RECORDS}/${id}`, body: { name: `b.${DOMAIN}` } };
    expect(codeOf(call(move))).toEqual([400, 81054]);
  });
});

describe('a list', () => {
  const filled = () => {
    const all = open();
    all.post(named('b', { comment: 'company=c00002' }));
    all.post(named('a', { content: 'z.run.app', proxied: false, ttl: 300 }));
    all.post({ type: 'A', name: `c.${DOMAIN}`, content: '192.0.2.1', ttl: 60 });
    return all;
  };

  test.each<[string, string[]]>([
    ['', ['b', 'a', 'c']],
    ['?order=name', ['a', 'b', 'c']],
    ['?order=name&direction=desc', ['c', 'b', 'a']],
    ['?order=ttl', ['b', 'c', 'a']],
    ['?direction=desc', ['c', 'a', 'b']],
    [`?name=b.${DOMAIN}`, ['b']],
    [`?name.exact=B.${DOMAIN.toUpperCase()}`, ['b']],
    ['?name.contains=mcp&type=A', ['c']],
    ['?name.startswith=a', ['a']],
    [`?name.endswith=${DOMAIN}&match=all`, ['b', 'a', 'c']],
    ['?content=192.0.2.1', ['c']],
    ['?content.exact=z.run.app', ['a']],
    ['?content.startswith=z', ['a']],
    ['?content.endswith=run.app', ['b', 'a']],
    ['?comment=company=c00002', ['b']],
    ['?comment.contains=c0000', ['b']],
    ['?comment.present=', ['b']],
    ['?comment.absent=', ['a', 'c']],
    ['?proxied=true', ['b']],
    ['?order=name&page=2&per_page=2', ['c']],
  ])('%s has what fits, in order', (query, expected) => {
    expect(filled().labels(query)).toEqual(expected);
  });

  test.each([
    ['?order=age', 400],
    ['?direction=up', 400],
    ['?proxied=yes', 400],
    ['?match=some', 400],
    ['?per_page=0', 400],
    ['?per_page=5000001', 400],
    ['?page=1.5', 400],
    ['?page=x', 400],
    ['?match=any', 501],
    ['?search=a', 501],
  ])('%s is refused', (query, status) => {
    expect(filled().call({ method: 'GET', path: RECORDS + query }).status).toBe(status);
  });
});

describe('a batch', () => {
  test('deletes, patches, overwrites and creates, in that order whatever the order of its body', () => {
    const { world, batch, idOf, labels } = open();
    const ids = ['a', 'b', 'c'].map(label => idOf(label));
    const { status, body } = batch({
      posts: [named('a', { content: 'new.run.app' })],
      puts: [{ id: ids[2], ...named('d') }],
      patches: [{ id: ids[1], content: 'b.run.app' }],
      deletes: [{ id: ids[0] }],
    });
    expect(status).toBe(200);
    expect(body.result).toMatchObject({
      deletes: [{ id: ids[0], name: `a.${DOMAIN}` }],
      patches: [{ id: ids[1], content: 'b.run.app', proxied: true }],
      puts: [{ id: ids[2], name: `d.${DOMAIN}` }],
      posts: [{ name: `a.${DOMAIN}`, content: 'new.run.app' }],
    });
    expect(labels('?order=name')).toEqual(['a', 'b', 'd']);
    expect(effectsOf(world).slice(3)).toEqual([
      `deleted dnsRecord CNAME a.${DOMAIN}`,
      `changed dnsRecord CNAME b.${DOMAIN}`,
      `deleted dnsRecord CNAME c.${DOMAIN}`,
      `created dnsRecord CNAME d.${DOMAIN}`,
      `created dnsRecord CNAME a.${DOMAIN}`,
    ]);
  });

  test('changes one record twice, and resolvers see the last of it', () => {
    const { zone, batch, idOf } = open();
    const id = idOf('a');
    batch({
      patches: [{ id, content: 'b.run.app' }],
      puts: [{ id, ...named('a', { content: 'c.run.app' }) }],
    });
    expect(zone.recordAt(`a.${DOMAIN}`, NOW_MS + DURATION_MS)?.content).toBe('c.run.app');
  });

  test.each<[string, (id: string) => object, string, number, number]>([
    ['a duplicate', () => ({ posts: [named('x'), named('b'), named('x')] }), '/posts/2', 400, 81058],
    ['an unknown record', id => ({ deletes: [{ id }, { id: NO_ID }] }), '/deletes/1', 404, 81044],
    ['a record deleted before', id => ({ deletes: [{ id }], patches: [{ id }] }), '/patches/0', 404, 81044],
    ['a name too many', id => ({ deletes: [{ id, name: 'a' }] }), '/deletes/0', 501, 7000],
    ['a foreign name', () => ({ posts: [named('b'), named('a.example.org.')] }), '/posts/1', 400, 9000],
    ['a put without a type', id => ({ puts: [{ id, content: 'b.run.app' }] }), '/puts/0', 400, 1004],
  ])('with %s has no effect at all, and says where it is', (_what, bodyOf, pointer, status, code) => {
    const { world, zone, batch, idOf, list } = open();
    const id = idOf('a');
    const before = list();
    const reply = batch(bodyOf(id));
    expect(reply).toMatchObject({
      status,
      body: { success: false, errors: [{ code, source: { pointer } }] },
    });
    expect(list()).toEqual(before);
    expect(world.ledger.entries).toHaveLength(1);
    expect(zone.recordAt(`a.${DOMAIN}`, NOW_MS + DURATION_MS)).toBeDefined();
  });

  test.each<[string, object, number]>([
    ['nothing', {}, 400],
    ['a part that is no list', { posts: named('a') }, 400],
    ['a list of texts', { deletes: ['a'] }, 400],
    ['a part that there is not', { upserts: [] }, 501],
  ])('of %s is refused', (_what, body, status) => {
    expect(open().batch(body).status).toBe(status);
  });
});

describe('a wildcard', () => {
  const seenIn = (records: readonly object[]) => {
    const all = open(createWorld({ zones: new Map([[ZONE_ID, OTHER_DOMAIN]]) }));
    for (const body of records) expect(all.call({ method: 'POST', path: RECORDS, body }).status).toBe(200);
    return (name: string) => all.zone.recordAt(`${name}${OTHER_DOMAIN}`, NOW_MS + DURATION_MS);
  };
  const at = (name: string, content: string) => ({
    ...{ type: 'CNAME', name: `${name}${OTHER_DOMAIN}`, content, proxied: true },
  });

  test('answers for every name below it that no other record answers for, on any level', () => {
    const seen = seenIn([at('*.', 'any.run.app'), at('a.', 'own.run.app')]);
    expect(seen('b.')).toMatchObject({ content: 'any.run.app', wildcard: `*.${OTHER_DOMAIN}` });
    expect(seen('x.y.z.')?.content).toBe('any.run.app');
    expect(seen('a.')?.content).toBe('own.run.app');
    expect(seen('a.')).not.toHaveProperty('wildcard');
    expect(seen('')).toBeUndefined();
  });

  test('ends at a name that is there: nothing below it is answered, nor the name that lies on the way to one', () => {
    const seen = seenIn([at('*.', 'any.run.app'), at('a.', 'own.run.app'), at('x.way.', 'deep.run.app')]);
    expect(seen('b.a.')).toBeUndefined();
    expect(seen('way.')).toBeUndefined();
    expect(seen('y.way.')).toBeUndefined();
    expect(seen('x.way.')?.content).toBe('deep.run.app');
  });

  test('of a deeper level comes before one of a higher', () => {
    const seen = seenIn([at('*.', 'any.run.app'), at('*.deep.', 'deep.run.app')]);
    expect(seen('a.deep.')?.content).toBe('deep.run.app');
    expect(seen('a.b.deep.')?.content).toBe('deep.run.app');
    expect(seen('deep.')).toBeUndefined();
    expect(seen('a.')?.content).toBe('any.run.app');
  });

  test('is seen by a resolver as addresses of the edge, some time after it was made', () => {
    const { ask, post } = open();
    post(named('*'));
    const answersAt = (ms: number) =>
      ask({ method: 'GET', path: `/dns-query?name=c00042.${DOMAIN}`, atMs: NOW_MS + ms }).body.Answer;
    expect(answersAt(DURATION_MS - 1)).toBeUndefined();
    expect(answersAt(DURATION_MS)).toMatchObject([{ data: '104.16.132.229' }, { type: 1 }]);
  });

  test('is the same name to a resolver in capitals, and with the dot of the root', () => {
    const { ask, post } = open();
    post(named('*'));
    const name = `C00042.${DOMAIN.toUpperCase()}.`;
    const { body } = ask({ method: 'GET', path: `/dns-query?name=${name}`, atMs: NOW_MS + DURATION_MS });
    expect(body).toMatchObject({ Status: 0, Question: [{ name }], Answer: [{ name }, { name }] });
  });
});

describe('a limit', () => {
  const limits = { 'quota.cloudflare.records-per-zone': 3, 'quota.cloudflare.batch': 2 };
  const tight = () => open(createWorld({ zones, resourceQuotas: true }, limits));

  test('of records a zone refuses one more, until one is deleted; another zone has its own', () => {
    const { world, call, post, idOf } = tight();
    const ids = ['a', 'b', 'c'].map(label => idOf(label));
    expect(codeOf(post(named('d')))).toEqual([400, 81045]);
    expect(world.ledger.entries).toHaveLength(3);
    const body = { ...named('a'), name: `a.${OTHER_DOMAIN}` };
    expect(call({ method: 'POST', path: recordsOf(OTHER_ZONE), body }).status).toBe(200);
    call({ method: 'DELETE', path: `${RECORDS}/${ids[0]}` });
    expect(post(named('d')).status).toBe(200);
    expect(call({ method: 'PATCH', path: `${RECORDS}/${ids[1]}`, body: { proxied: false } }).status).toBe(
      200,
    );
  });

  test('counts what a batch deletes before what it makes', () => {
    const { batch, idOf, labels } = tight();
    const ids = ['a', 'b', 'c'].map(label => idOf(label));
    expect(batch({ deletes: [{ id: ids[0] }], posts: [named('d')] }).status).toBe(200);
    expect(codeOf(batch({ posts: [named('e')] }))).toEqual([400, 81045]);
    expect(labels('?order=name')).toEqual(['b', 'c', 'd']);
  });

  test('of records a batch refuses one more', () => {
    const { batch, labels } = tight();
    expect(codeOf(batch({ posts: ['a', 'b', 'c'].map(label => named(label)) }))).toEqual([400, 1004]);
    expect(labels()).toEqual([]);
    expect(batch({ posts: ['a', 'b'].map(label => named(label)) }).status).toBe(200);
  });

  test('is not asked for where no limit on resources is checked', () => {
    const { batch, labels } = open({
      ...createWorld(),
      valueOf: fact => {
        throw new Error(`asked for ${fact}`);
      },
    });
    batch({ posts: Array.from({ length: 20 }, (_, i) => named(`a${i}`)) });
    expect(labels()).toHaveLength(20);
  });
});
