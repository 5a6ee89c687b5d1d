// What an earlier pilot provisioned on fakes that still run, opened for changing and watching: its journal and registry,
// under the same claim as when the pilot resumes them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FAKES_TOKENS } from '../fakes/fromScenario.ts';
import { readHealth } from '../rig/fakesPages.ts';
import { expectClaimed } from '../rig/pilot.ts';
import { FactValues } from '../scenarios/facts.ts';
import { companiesOf } from '../scenarios/population.ts';
import { rolloutOptionsOf } from '../scenarios/rolloutOptions.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { type Operations, openOperations } from '../src/operations/operations.ts';
import type { JournalEntry } from '../src/ports.ts';
import { systemChance } from '../src/runtime/chance.ts';
import { fastClock } from '../src/runtime/clock.ts';
import { createTransport } from '../src/runtime/transport.ts';
import { scenarioHash } from './input.ts';
import { reportFolderOf } from './output.ts';
import { openPilotStores } from './stores.ts';

export type ProvisionedFlags = {
  readonly fakes: string;
  readonly stores?: string;
  readonly seed?: number;
  readonly reportDir?: string;
};

export type Provisioned = {
  readonly operations: Operations;
  readonly speed: number;
  /** Of the report, where the journal is unless it is in a MongoDB. */
  readonly folder: string;
  /** Of the journal, for messages. */
  readonly where: string;
};

/** `hear`: told of every entry once it is durable. Throws INPUT or FAKES where there is no such pilot. */
export async function onProvisioned<T>(
  scenario: Scenario,
  flags: ProvisionedFlags,
  hear: (entries: readonly JournalEntry[]) => void,
  work: (provisioned: Provisioned) => Promise<T>,
): Promise<T> {
  const folder = reportFolderOf(flags.reportDir, scenario);
  const fakes = await readHealth(flags.fakes);
  // A look must not leave an empty journal behind.
  if (flags.stores === undefined && !existsSync(join(folder, 'journal.sqlite')))
    throw new SandtableError(
      'INPUT',
      `there is no journal in ${folder}: provision first with sandtable pilot --fakes ${flags.fakes}, or name its --report-dir`,
    );
  const { stores, where, holder } = await openPilotStores(flags.stores, folder, false);
  const clock = fastClock(fakes.nowMs, fakes.speed);
  const transport = createTransport({
    fakesUrl: flags.fakes,
    msUntil: atMs => (atMs - clock.nowMs()) / fakes.speed,
  });
  try {
    const identity = `${scenarioHash(scenario)} ${flags.seed ?? scenario.run.seed}`;
    await expectClaimed({ stores, identity, fakes });
    const { append } = stores.journal;
    const journal: typeof stores.journal = {
      ...stores.journal,
      append: async (entries, lease) => {
        const isWritten = await append(entries, lease);
        if (isWritten) hear(entries);
        return isWritten;
      },
    };
    const options = rolloutOptionsOf(scenario, new FactValues('mid', scenario.facts));
    const operations = await openOperations(
      { clock, chance: systemChance, transport, ...stores, journal, log: () => {} },
      { ...options, companies: companiesOf(scenario), tokens: FAKES_TOKENS, holder },
    );
    return await work({ operations, speed: fakes.speed, folder, where });
  } finally {
    await transport.close();
    await stores.close();
  }
}
