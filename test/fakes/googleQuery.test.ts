// Google refuses a query parameter that a method does not have, or that comes twice: so do all methods of the fakes.

import { describe, expect, it } from 'vitest';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { firestore } from '../../fakes/firestore.ts';
import { kms } from '../../fakes/kms.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Service, World } from '../../fakes/service.ts';
import { callFake, createWorld } from './harness.ts';

const FAKES: readonly ((world: World) => Service)[] = [
  world => cloudRun(world).service,
  secretManager,
  kms,
  firestore,
];

describe.each(FAKES.map(make => make(createWorld())))('every method of $name', service => {
  const [host] = service.hosts;
  /** A path that the route takes: every captured segment is `x`. */
  const urlOf = (path: string) =>
    `https://${host}${path.replaceAll(/\/:\w+(?:=(\w*))?/g, (_, verb) => (verb ? `/x:${verb}` : '/x'))}`;

  it.each(service.routes.map(route => [route.operation, route] as const))(
    '%s refuses a parameter that nobody has, one that comes twice and an answer that is not JSON',
    (operation, { method, path }) => {
      const call = (query: string) => {
        const answer = callFake(
          service,
          method,
          `${urlOf(path)}?${query}`,
          method === 'GET' ? undefined : {},
        );
        expect(answer.operation).toBe(operation);
        return [answer.status, answer.body.error?.message];
      };
      expect(call('pagesize=1')).toEqual([400, expect.stringContaining('Unknown name "pagesize"')]);
      expect(call('prettyPrint=true&prettyPrint=true')).toEqual([
        400,
        expect.stringContaining('not repeating'),
      ]);
      expect(call('alt=media')).toEqual([501, expect.stringContaining('alt=media')]);
      expect(call('fields=name')).toEqual([501, expect.stringContaining('the parameter fields')]);
    },
  );
});

describe('a parameter of another method', () => {
  it('has no effect: a change with a misspelt mask would change everything', () => {
    const world = createWorld({ 'lat.cloud-run.deploy': 1000 });
    const { service } = cloudRun(world);
    const services = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
    const body = { labels: { company: 'c1' }, template: { containers: [{ image: 'health:1' }] } };
    expect(callFake(service, 'POST', `${services}?serviceId=c1`, body).status).toBe(200);
    const change = { ...body, labels: {} };
    const refused = callFake(service, 'PATCH', `${services}/c1?updatemask=template`, change, {
      nowMs: 1000,
    });
    expect(refused).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
    const found = callFake(service, 'GET', `${services}/c1`, undefined, { nowMs: 1000 });
    expect(found.body.labels).toEqual({ company: 'c1' });
  });

  it('is taken by its name in the protocol as well, and then counts as the same', () => {
    const world = createWorld({ 'lat.cloud-run.deploy': 0, 'lat.cloud-run.update': 0 });
    const { service } = cloudRun(world);
    const services = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
    const body = { labels: { company: 'c1' }, template: { containers: [{ image: 'health:1' }] } };
    expect(callFake(service, 'POST', `${services}?service_id=c1`, body).status).toBe(200);
    const scaling = { scalingMode: 'MANUAL', manualInstanceCount: 2 };
    const change = (query: string) => callFake(service, 'PATCH', `${services}/c1?${query}`, { scaling });
    expect(change('update_mask=scaling.scaling_mode,scaling.manual_instance_count').status).toBe(200);
    expect(callFake(service, 'GET', `${services}/c1`).body).toMatchObject({
      labels: { company: 'c1' },
      scaling,
    });
    expect(change('update_mask=scaling&updateMask=scaling').status).toBe(400);
    const root = 'https://firestore.googleapis.com/v1/projects/p/databases/(default)/documents';
    const documents = firestore(createWorld());
    const patched = callFake(documents, 'PATCH', `${root}/c/d?update_mask.field_paths=a`, {
      fields: { a: { stringValue: 'x' }, b: { stringValue: 'y' } },
    });
    expect(patched.body.fields).toEqual({ a: { stringValue: 'x' } });
  });

  it('that the vendor has and the fake does not is 501, and is not passed over', () => {
    const root = 'https://firestore.googleapis.com/v1/projects/p/databases/(default)/documents';
    const service = firestore(createWorld());
    const created = callFake(service, 'POST', `${root}/companies?documentId=c1`, { fields: {} });
    expect(created.status).toBe(200);
    for (const query of ['mask.fieldPaths=a', 'readTime=2026-01-01T00:00:00Z'])
      expect(callFake(service, 'GET', `${root}/companies/c1?${query}`).status).toBe(501);
  });
});
