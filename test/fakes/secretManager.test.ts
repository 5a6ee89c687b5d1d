import { describe, expect, it } from 'vitest';
import { liveResources } from '../../fakes/ledger.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import { callFake, createWorld } from './harness.ts';

describe('Secret Manager', () => {
  const API = 'https://secretmanager.googleapis.com/v1/projects/p/secrets';
  const SECRET = { replication: { automatic: {} }, labels: { company: 'c00001' } };
  const DATA = btoa('open sesame');
  const setUp = () => {
    const world = createWorld();
    const service = secretManager(world);
    const call = (method: string, path: string, body?: unknown) =>
      callFake(service, method, `${API}${path}`, body);
    const callAt = (project: string, method: string, path: string, body?: unknown) =>
      callFake(
        service,
        method,
        `https://secretmanager.googleapis.com/v1/projects/${project}/secrets/${path}`,
        body,
      );
    return { world, call, callAt };
  };

  it('creates a secret, adds versions and gives the newest, but never to the ledger', () => {
    const { call, world } = setUp();
    expect(call('POST', '?secretId=s', SECRET)).toMatchObject({
      status: 200,
      body: { name: expect.stringMatching(/^projects\/\d+\/secrets\/s$/) },
    });
    expect(call('POST', '?secretId=s', SECRET).body.error.status).toBe('ALREADY_EXISTS');
    call('POST', '/s:addVersion', { payload: { data: btoa('old') } });
    expect(call('POST', '/s:addVersion', { payload: { data: DATA } }).body.name).toMatch(
      /^projects\/\d+\/secrets\/s\/versions\/2$/,
    );
    const accessed = call('GET', '/s/versions/latest:access');
    expect(accessed).toMatchObject({ body: { payload: { data: DATA } }, latency: 'lat.secret-manager.read' });
    expect(call('GET', '/s/versions').body.versions).toHaveLength(2);
    expect(JSON.stringify(world.ledger.entries)).not.toContain(DATA);
    expect(world.ledger.entries.map(({ company }) => company)).toEqual(['c00001', 'c00001', 'c00001']);
  });

  it('gives names with the number of the project, takes either, and writes down the id', () => {
    const { call, callAt, world } = setUp();
    const { name } = call('POST', '?secretId=s', SECRET).body;
    const version = call('POST', '/s:addVersion', { payload: { data: DATA } }).body;
    const number = /^projects\/(\d{12})\/secrets\/s$/.exec(name)![1];
    expect(version.name).toBe(`projects/${number}/secrets/s/versions/1`);
    const otherNames = [
      call('GET', '/s').body.name,
      call('GET', '').body.secrets[0].name,
      call('PATCH', '/s?updateMask=labels', SECRET).body.name,
    ];
    expect(otherNames).toEqual([name, name, name]);
    for (const path of ['s/versions/1', 's/versions/1:access', 's/versions/latest:access'])
      expect(callAt(number, 'GET', path).body.name).toBe(version.name);
    expect(callAt(number, 'GET', 's/versions').body.versions).toEqual([version]);
    expect(callAt(number, 'GET', 't').body.error.message).toContain(`projects/${number}/secrets/t`);
    expect(call('POST', '?secretId=s', SECRET).body.error.message).toContain(name);
    expect(callAt(number, 'POST', 's/versions/1:destroy', {}).body.state).toBe('DESTROYED');
    expect(callAt(number, 'DELETE', 's').status).toBe(200);
    const names = new Set(world.ledger.entries.map(entry => entry.name));
    expect([...names]).toEqual(['projects/p/secrets/s', 'projects/p/secrets/s/versions/1']);
  });

  it('knows no project by a number that is not its own', () => {
    const { call, callAt } = setUp();
    call('POST', '?secretId=s', SECRET);
    expect(callAt('100000000001', 'GET', 's').status).toBe(404);
  });

  it.each(['1.0', '01', '1e0', '0x1', '%201', '+1', '0', '-1', 'NaN'])(
    'has no version %s besides its version 1',
    id => {
      const { call } = setUp();
      call('POST', '?secretId=s', SECRET);
      call('POST', '/s:addVersion', { payload: { data: DATA } });
      expect(call('GET', `/s/versions/${id}:access`).status).toBe(404);
    },
  );

  it('takes an empty etag for none, as a client sends it that has not set one', () => {
    const { call } = setUp();
    call('POST', '?secretId=s', SECRET);
    call('POST', '/s:addVersion', { payload: { data: DATA } });
    expect(call('PATCH', '/s?updateMask=labels', { ...SECRET, etag: '' }).status).toBe(200);
    expect(call('POST', '/s/versions/1:disable', { etag: '' }).status).toBe(200);
    expect(call('POST', '/s/versions/1:enable', { etag: '"0"' }).body.error.status).toBe(
      'FAILED_PRECONDITION',
    );
    expect(call('DELETE', '/s?etag=').status).toBe(200);
  });

  it('destroys a version, and all of them with their secret', () => {
    const { call, world } = setUp();
    call('POST', '?secretId=s', SECRET);
    for (let i = 0; i < 2; i++) call('POST', '/s:addVersion', { payload: { data: DATA } });
    expect(call('POST', '/s/versions/1:destroy', {}).body.state).toBe('DESTROYED');
    const enabled = call('GET', '/s/versions?filter=state%3AENABLED').body;
    // The vendor counts nothing when it filters.
    expect([enabled.versions.length, enabled.totalSize]).toEqual([1, undefined]);
    expect(call('GET', '/s/versions').body.totalSize).toBe(2);
    expect(call('DELETE', '/s').status).toBe(200);
    expect(liveResources(world.ledger.entries)).toEqual([]);
    expect(call('GET', '/s').body.error.status).toBe('NOT_FOUND');
  });

  it.each<[string, string, string, unknown, string]>([
    ['a secret without an id', 'POST', '', SECRET, 'INVALID_ARGUMENT'],
    ['a secret with a bad id', 'POST', '?secretId=a.b', SECRET, 'INVALID_ARGUMENT'],
    ['a secret without replication', 'POST', '?secretId=t', { labels: {} }, 'INVALID_ARGUMENT'],
    ['a version without a payload', 'POST', '/s:addVersion', {}, 'INVALID_ARGUMENT'],
    ['an empty version', 'POST', '/s:addVersion', { payload: { data: '' } }, 'INVALID_ARGUMENT'],
    [
      'a version that is too large',
      'POST',
      '/s:addVersion',
      { payload: { data: 'A'.repeat(87_400) } },
      'INVALID_ARGUMENT',
    ],
    ['a version of an absent secret', 'POST', '/t:addVersion', { payload: { data: DATA } }, 'NOT_FOUND'],
    ['the access to an absent version', 'GET', '/s/versions/2:access', undefined, 'NOT_FOUND'],
    ['the access to a destroyed version', 'GET', '/s/versions/1:access', undefined, 'FAILED_PRECONDITION'],
    ['the second destruction of a version', 'POST', '/s/versions/1:destroy', {}, 'FAILED_PRECONDITION'],
    ['the deletion of an absent secret', 'DELETE', '/t', undefined, 'NOT_FOUND'],
  ])('refuses %s', (_, method, path, body, status) => {
    const { call, world } = setUp();
    call('POST', '?secretId=s', SECRET);
    call('POST', '/s:addVersion', { payload: { data: DATA } });
    call('POST', '/s/versions/1:destroy', {});
    expect(call(method, path, body).body.error.status).toBe(status);
    expect(world.ledger.entries).toHaveLength(3);
  });
});
