// A company changes its level: service, document and record say the same, whenever the process dies, and nothing else of
// it is touched.

import { describe, expect, it } from 'vitest';
import { changeLevel } from '../../src/operations/changeLevel.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { runWorld, type World } from './world.ts';

const COMPANY = 'c00002';
const RUN = 'https://run.googleapis.com/v2/projects/sandtable-platform/locations/us-west1/services';
const DOCUMENT = `https://firestore.googleapis.com/v1/projects/sandtable-platform/databases/(default)/documents/companies/${COMPANY}`;
const WARM = { 'platform.security.levels.DIAMOND.serviceInstances': { min: 1, max: 800 } };

/** What the clouds and the registry say of the company's level. */
function levelsOf({ meddle, stores }: World) {
  // biome-ignore lint/suspicious/noExplicitAny: a vendor's answer
  const service = meddle('GET', `${RUN}/${COMPANY}`).body as any;
  // biome-ignore lint/suspicious/noExplicitAny: a vendor's answer
  const document = meddle('GET', DOCUMENT).body as any;
  return {
    label: service.labels.level,
    instances: service.template.scaling,
    revision: service.latestReadyRevision.split('-').at(-1),
    document: document.fields.level.stringValue,
    record: stores.records.get(COMPANY)?.level,
  };
}

const DIAMOND = {
  label: 'diamond',
  instances: { minInstanceCount: 1, maxInstanceCount: 800 },
  document: 'DIAMOND',
  record: 'DIAMOND',
};
const scenario = rolloutOf(3, { ...WARM, 'population.levels': { ONYX: 1 } });

describe('a company that changes from ONYX to DIAMOND', () => {
  it('has the new level in its service, its document and its record, and everything else as it was', async () => {
    let effects = 0;
    const ran = await runWorld(scenario, async world => {
      const before = levelsOf(world);
      expect(before).toMatchObject({ label: 'onyx', document: 'ONYX', record: 'ONYX' });
      effects = world.cloud.ledger.entries.length;
      expect(await changeLevel(world.operations, COMPANY, 'DIAMOND')).toMatchObject({ state: 'done' });
      expect(levelsOf(world)).toMatchObject(DIAMOND);
      expect(levelsOf(world).revision).not.toBe(before.revision);
      expect(world.operations.serving(COMPANY)?.level).toBe('DIAMOND');
    });
    expect(ran.cloud.ledger.entries.slice(effects).map(({ kind, effect }) => `${kind} ${effect}`)).toEqual([
      'service changed',
      'document changed',
    ]);
    expect(ran.violations()).toEqual([]);
  });

  it('and back is where it was; asked for the level that it has, nothing happens', async () => {
    await runWorld(scenario, async world => {
      const { operations, cloud } = world;
      await changeLevel(operations, COMPANY, 'DIAMOND');
      const effects = cloud.ledger.entries.length;
      expect(await changeLevel(operations, COMPANY, 'DIAMOND')).toMatchObject({ state: 'done' });
      expect(cloud.ledger.entries).toHaveLength(effects);
      expect(await changeLevel(operations, COMPANY, 'ONYX')).toMatchObject({ state: 'done' });
      expect(levelsOf(world)).toMatchObject({
        label: 'onyx',
        // The vendor writes no 0.
        instances: { maxInstanceCount: 100 },
        document: 'ONYX',
        record: 'ONYX',
      });
    });
  });

  it('is refused a level that there is not', async () => {
    await runWorld(scenario, async ({ operations }) => {
      expect(await changeLevel(operations, COMPANY, 'RUBY')).toMatchObject({
        state: 'refused',
        reason: 'c00002 cannot have the level RUBY, which there is not',
      });
    });
  });

  it('keeps its old level in the record when its document is not there, and is named', async () => {
    const ran = await runWorld(scenario, async world => {
      world.meddle('DELETE', DOCUMENT);
      const ended = await changeLevel(world.operations, COMPANY, 'DIAMOND');
      expect(ended.state).toBe('failed');
      expect(ended.reason).toMatch(/^documentSettings: there is no document /);
      expect(world.stores.records.get(COMPANY)?.level).toBe('ONYX');
      // Half changed, it can be changed back, and can leave.
      expect(await changeLevel(world.operations, COMPANY, 'ONYX')).toMatchObject({ state: 'failed' });
      expect(await decommission(world.operations, COMPANY)).toMatchObject({ state: 'done' });
    });
    expect(ran.stores.records.has(COMPANY)).toBe(false);
    expect(ran.violations([COMPANY])).toEqual([]);
  });

  it('is served as before by the revision that it had when the new one does not start, and goes on when asked again', async () => {
    const sick = rolloutOf(3, {
      ...WARM,
      'population.levels': { ONYX: 1 },
      'faults.rules': [
        {
          ...{ operation: 'cloudRun.services.update', verdict: 'breakHalfway', share: 1 },
          ...{ fromMs: 600_000, untilMs: 900_000 },
        },
      ],
    });
    const ran = await runWorld(sick, async world => {
      const { operations, clock, meddle, stores } = world;
      await clock.sleep(600_000);
      const before = levelsOf(world);
      const ended = await changeLevel(operations, COMPANY, 'DIAMOND');
      expect(ended).toMatchObject({
        state: 'failed',
        reason: expect.stringMatching(/^serviceSettings:open: /),
      });
      // The vendor gives no request to a revision that never was ready: there is nothing to roll back.
      expect(levelsOf(world).revision).toBe(before.revision);
      expect(meddle('GET', `https://${COMPANY}.mcp.asoos.2100.cool/health`).status).toBe(200);
      expect(stores.records.get(COMPANY)?.level).toBe('ONYX');
      await clock.sleep(600_000);
      expect(await changeLevel(operations, COMPANY, 'DIAMOND')).toMatchObject({ state: 'done' });
      expect(levelsOf(world)).toMatchObject(DIAMOND);
    });
    expect(ran.violations()).toEqual([]);
  });

  it('ends the same whenever the process dies', async () => {
    const program = async (world: World) => {
      await world.operations.takeUp();
      expect(await changeLevel(world.operations, COMPANY, 'DIAMOND')).toMatchObject({ state: 'done' });
      expect(levelsOf(world)).toMatchObject(DIAMOND);
    };
    const undisturbed = await runWorld(scenario, program);
    for (let event = undisturbed.began; event < undisturbed.events; event++) {
      const ran = await runWorld(scenario, program, [event]);
      expect(ran.violations(), `a crash before event ${event}`).toEqual([]);
      const revisions = ran.cloud.ledger.entries.filter(
        ({ kind, effect, company }) => kind === 'service' && effect === 'changed' && company === COMPANY,
      );
      expect(revisions, `a crash before event ${event}`).toHaveLength(1);
    }
  });
});

it('twenty companies change under the limit of the deployments', async () => {
  const ran = await runWorld(
    rolloutOf(20, { 'population.levels': { ONYX: 1 }, 'provisioning.quotas': 'plan' }),
    async ({ operations, companies }) => {
      const ended = await Promise.all(companies.map(({ id }) => changeLevel(operations, id, 'OPAL')));
      expect(ended.filter(({ state }) => state !== 'done')).toEqual([]);
      const calls = operations.counts().map(({ name, calls }) => [name, calls]);
      expect(Object.fromEntries(calls)).toMatchObject({ cloudRunDeploys: 20, databaseOperations: 20 });
      // Fifteen take the backlog that is allowed; the others wait before they begin.
      const deploys = operations.counts().find(({ name }) => name === 'cloudRunDeploys');
      expect(deploys?.admissionBlockedMs).toBeGreaterThan(1000);
    },
  );
  expect([...ran.stores.records.values()].every(({ level }) => level === 'OPAL')).toBe(true);
  const changes = ran.cloud.ledger.entries.filter(
    ({ kind, effect }) => kind === 'service' && effect === 'changed',
  );
  const gapsMs = changes.slice(1).map(({ atMs }, i) => atMs - changes[i].atMs);
  expect(Math.min(...gapsMs)).toBeGreaterThan(600);
});
