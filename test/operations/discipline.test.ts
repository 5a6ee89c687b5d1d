// What holds for every change of a company: nothing has an effect before the journal knows of it, no call has the key of
// another, and no secret is written down outside the vault.

import { expect, it } from 'vitest';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { changeLevel } from '../../src/operations/changeLevel.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { runWorld } from './world.ts';

/** The verb in a call's key: [company, place, generation, verb, …]. */
const VERB = { create: 0, find: 1, remove: 2 } as const;
/** Places of the steps of changes. */
const isOfChange = ({ key }: { readonly key: readonly number[] }) => key[1] >= 1000;

const SICK = {
  'faults.rules': [
    { operation: 'cloudRun.*', verdict: 'loseAnswer', share: 0.2 },
    { operation: 'atlas.*', verdict: 'refuse', status: 500, share: 0.2 },
    { operation: 'kms.*', verdict: 'loseAnswer', share: 0.2 },
  ],
};

it.each([
  ['well', {}],
  ['sick', SICK],
])('with clouds that are %s, a whole life keeps the rules', async (_, sets) => {
  const ran = await runWorld(rolloutOf(4, sets), async ({ operations, companies, stores }) => {
    // The registry is no vendor, and what is taken from it is gone all the same.
    const { registry } = operations.ports;
    const take = registry.delete;
    Object.assign(registry, {
      delete: (id: string) => {
        const index = companies.findIndex(company => company.id === id);
        expect(
          stores.entries.findLast(({ company, event }) => company === index && event === 'changing'),
        ).toMatchObject({ id: 'decommissioning' });
        return take(id);
      },
    });
    for (const { id, level } of companies) {
      const other = level === 'OPAL' ? 'SAPPHIRE' : 'OPAL';
      expect(await changeLevel(operations, id, other)).toMatchObject({ state: 'done' });
      expect(await suspend(operations, id)).toMatchObject({ state: 'done' });
      expect(await resume(operations, id)).toMatchObject({ state: 'done' });
      expect(await changeLevel(operations, id, level)).toMatchObject({ state: 'done' });
      expect(await decommission(operations, id)).toMatchObject({ state: 'done' });
    }
  });
  expect(ran.violations(ran.companies.map(({ id }) => id))).toEqual([]);
  const changing = ran.sent.filter(isOfChange);
  for (const { key, deadlineAtMs, durable } of changing) {
    const own = ran.stores.entries.slice(0, durable).filter(({ company }) => company === key[0]);
    const begun = own.findLast(({ event }) => event === 'changing');
    expect(begun, key.join()).toBeDefined();
    if (key[3] === VERB.create) {
      const intent = own.findLast(({ event }) => event === 'intent');
      expect(intent?.deadlineAtMs, key.join()).toBeGreaterThanOrEqual(deadlineAtMs);
    }
    if (key[3] === VERB.remove) expect(begun?.id).toBe('decommissioning');
    else expect(begun?.id).not.toBe('decommissioning');
  }
  expect(changing.filter(({ key }) => key[3] === VERB.create).length).toBeGreaterThan(4 * 20);
  expect(new Set(ran.sent.map(({ key }) => key.join())).size).toBe(ran.sent.length);
  const written = JSON.stringify([ran.stores.entries, ran.logged, ran.cloud.ledger.entries]);
  for (const form of [FAKES_TOKEN, btoa(FAKES_TOKEN)]) expect(written).not.toContain(form);
});
