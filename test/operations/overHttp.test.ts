// Decommissioning over real HTTP, with the journal on disk: the process stops half way, and the next one takes it up.

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { auditLedger } from '../../fakes/audit.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKENS } from '../../fakes/fromScenario.ts';
import { startFakes } from '../../fakes/server.ts';
import { readHealth, readLedger } from '../../rig/fakesPages.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { openOperations } from '../../src/operations/operations.ts';
import type { Call, Outcome } from '../../src/ports.ts';
import { emptyState, rollOut } from '../../src/provisioning/rollout.ts';
import { systemChance } from '../../src/runtime/chance.ts';
import { fastClock } from '../../src/runtime/clock.ts';
import { openStores } from '../../src/runtime/stores.ts';
import { createTransport } from '../../src/runtime/transport.ts';
import { newFolder } from '../cli/command.ts';

/** At which a call has 600 ms of the machine's until its deadline. */
const SPEED = 25;
const GONE = 'c00001';
/** Enough to have taken the name away, and not yet the service. */
const CALLS_UNTIL_STOPPED = 5;

it('ends with nothing left of the company, in the fakes’ ledger as in the registry', async () => {
  const scenario = loadScenario('today', [
    ...['population.companies=3', 'population.regions.us-west1=3', 'population.advanced=1'],
    'provisioning.databaseOperationsPerCompany=4',
  ]);
  const facts = new FactValues('mid', scenario.facts);
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, 7));
  const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: SPEED });
  const { nowMs, speed } = await readHealth(server.url);
  const clock = fastClock(nowMs, speed);
  const transport = createTransport({
    fakesUrl: server.url,
    msUntil: atMs => (atMs - clock.nowMs()) / speed,
  });
  const path = join(newFolder(), 'journal.sqlite');
  const companies = companiesOf(scenario);
  const options = {
    ...rolloutOptionsOf(scenario, facts),
    ...{ companies, tokens: FAKES_TOKENS, holder: 'operator', afterPause: undefined },
  };
  /** One process: its own connection to the journal, and what it sends by. */
  const inProcess = async (
    work: (ports: Parameters<typeof rollOut>[0]) => Promise<void>,
    send: (call: Call) => Promise<Outcome> = call => transport.send(call),
  ) => {
    const stores = openStores(path);
    await work({ clock, chance: systemChance, transport: { send }, ...stores, log: () => {} });
    stores.close();
  };
  try {
    await inProcess(ports => rollOut(ports, options, emptyState()));

    let calls = 0;
    const { promise: isStopped, resolve: stop } = Promise.withResolvers<void>();
    await inProcess(
      async ports => {
        const operations = await openOperations(ports, options);
        void decommission(operations, GONE);
        await isStopped;
      },
      call => {
        if (++calls <= CALLS_UNTIL_STOPPED) return transport.send(call);
        stop();
        return new Promise(() => {});
      },
    );

    await inProcess(async ports => {
      const operations = await openOperations(ports, options);
      expect(operations.serving(GONE)).toBeUndefined();
      const [ended] = await operations.takeUp();
      expect(ended).toMatchObject({ state: 'done', reason: '' });
      expect(await decommission(operations, GONE)).toMatchObject({ state: 'done' });
      expect((await ports.registry.list()).map(({ id }) => id)).toEqual(['c00000', 'c00002']);
      const events = (await ports.journal.read()).filter(({ company }) => company === 1);
      expect(events.at(-1)?.event).toBe('decommissioned');
      expect(events.filter(({ event }) => event === 'changing')).toHaveLength(1);
    });

    const { entries } = await readLedger(server.url);
    const audited = companies.map(company => ({
      ...company,
      outcome: company.id === GONE ? ('decommissioned' as const) : ('ready' as const),
    }));
    expect(auditLedger(entries, audited, { databaseOperationsPerCompany: 4, dns: 'record' })).toEqual([]);
  } finally {
    await transport.close();
    await server.close();
  }
});
