// What Google writes of a resource: nothing that has the default of its type.

import { expect, it, test } from 'vitest';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { withoutDefaults } from '../../fakes/googleJson.ts';
import { kms } from '../../fakes/kms.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import { callFake, createWorld } from './harness.ts';

test.each<[string, Record<string, unknown>, object]>([
  ['a text, a number, a flag and a list that are empty', { a: '', b: 0, c: false, d: [], e: null }, {}],
  ['what is not empty', { a: 'x', b: -1, c: true, d: [1] }, { a: 'x', b: -1, c: true, d: [1] }],
  ['an empty map', { labels: {}, annotations: {}, limits: {} }, {}],
  ['an empty value in a map', { labels: { a: '' } }, { labels: { a: '' } }],
  ['an empty message', { automatic: {} }, { automatic: {} }],
  ['what is in a list', { a: [{ b: 0, c: 1 }] }, { a: [{ c: 1 }] }],
  [
    'what may be set to its default',
    { manualInstanceCount: 0, value: '' },
    { manualInstanceCount: 0, value: '' },
  ],
])('%s', (_, message, written) => {
  expect(withoutDefaults(message)).toEqual(written);
});

it('a secret and a key without labels have none', () => {
  const world = createWorld();
  const replication = { automatic: {} };
  const secrets = 'https://secretmanager.googleapis.com/v1/projects/p/secrets';
  const secret = callFake(secretManager(world), 'POST', `${secrets}?secretId=s`, { replication }).body;
  expect(secret).toMatchObject({ replication });
  const keys =
    'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
  const key = callFake(kms(world), 'POST', `${keys}?cryptoKeyId=k`, { purpose: 'ENCRYPT_DECRYPT' }).body;
  for (const resource of [secret, key]) expect(resource).not.toHaveProperty('labels');
});

it('a service says neither what it is not nor what it has none of', () => {
  const { service } = cloudRun(createWorld({ 'lat.cloud-run.deploy': 0 }));
  const services = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
  const template = {
    containers: [{ image: 'health', resources: { cpuIdle: false, startupCpuBoost: true } }],
    scaling: { minInstanceCount: 0, maxInstanceCount: 5 },
  };
  const scaling = { scalingMode: 'MANUAL', manualInstanceCount: 0 };
  const body = { labels: {}, invokerIamDisabled: false, description: '', scaling, template };
  const made = callFake(service, 'POST', `${services}?serviceId=s`, body).body.response;
  for (const name of ['labels', 'invokerIamDisabled', 'description', 'reconciling'])
    expect(made).not.toHaveProperty(name);
  expect(made.template.scaling).toEqual({ maxInstanceCount: 5 });
  expect(made.template.containers[0].resources).toEqual({ startupCpuBoost: true });
  expect(made.scaling).toEqual(scaling);
});
