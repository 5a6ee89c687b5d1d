// `sandtable company`: shows or changes one company of an earlier pilot, a line a step. Interrupted, the same command goes
// on where it stopped.

import { companiesOf, type PopulationCompany } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import type { ChangeEnded } from '../src/operations/carryOut.ts';
import { changeLevel } from '../src/operations/changeLevel.ts';
import { decommission } from '../src/operations/decommission.ts';
import { newHistory } from '../src/operations/history.ts';
import type { Operations } from '../src/operations/operations.ts';
import { type Seen, showCompany } from '../src/operations/show.ts';
import { resume, suspend } from '../src/operations/suspend.ts';
import type { JournalEntry } from '../src/ports.ts';
import { say } from './emulated.ts';
import { INTERRUPTED } from './output.ts';
import { onProvisioned, type ProvisionedFlags } from './provisioned.ts';
import { nearest, show } from './words.ts';

export type CompanyChange = 'show' | 'level' | 'suspend' | 'resume' | 'decommission';

const EXIT_CODES: Readonly<Record<ChangeEnded['state'], number>> = { done: 0, failed: 1, refused: 2 };

export async function company(
  scenario: Scenario,
  id: string,
  change: CompanyChange,
  level: string | undefined,
  flags: ProvisionedFlags,
): Promise<number> {
  const companies = companiesOf(scenario);
  const one = companies.find(each => each.id === id);
  if (one === undefined) {
    const ids = companies.map(each => each.id);
    throw new SandtableError(
      'INPUT',
      `there is no company ${show(id)} in ${scenario.name}${nearest(id, ids)}`,
    );
  }
  expectLevel(scenario, change, level);
  const hear = (entries: readonly JournalEntry[]) => {
    for (const entry of entries) if (entry.company === one.index) tell(entry);
  };
  return onProvisioned(scenario, flags, hear, async ({ operations, where }) => {
    if (change === 'show') return printSeen(one, await showCompany(operations, one));
    const interrupt = () => {
      say(`interrupted; the journal ${where} keeps what was done: run the same command again to go on`);
      process.exit(INTERRUPTED);
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    try {
      const { state, reason } = await changed(operations, id, change, level);
      if (state === 'refused') say(`refused, and nothing was done: ${reason}`);
      else
        console.log(
          `${id}  ${change}${level === undefined ? '' : ` ${level}`}: ${state}${reason && `, ${reason}`}`,
        );
      return EXIT_CODES[state];
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    }
  });
}

function expectLevel(scenario: Scenario, change: CompanyChange, level: string | undefined): void {
  if (change !== 'level') {
    if (level !== undefined) throw new SandtableError('INPUT', `${change} takes no more than the id`);
    return;
  }
  const levels = Object.keys(scenario.platform.security?.levels ?? scenario.population.levels);
  if (level === undefined) throw new SandtableError('INPUT', `level takes one of ${levels.join(', ')}`);
  if (!levels.includes(level))
    throw new SandtableError('INPUT', `there is no level ${show(level)}${nearest(level, levels)}`);
}

function changed(
  operations: Operations,
  id: string,
  change: Exclude<CompanyChange, 'show'>,
  level: string | undefined,
): Promise<ChangeEnded> {
  switch (change) {
    case 'level':
      return changeLevel(operations, id, level!);
    case 'suspend':
      return suspend(operations, id);
    case 'resume':
      return resume(operations, id);
    case 'decommission':
      return decommission(operations, id);
  }
}

/** Intents say nothing of what came of them. */
function tell({ event, step }: JournalEntry): void {
  if (event === 'done' || event === 'removed') console.log(`  ${event.padEnd(7)}  ${step}`);
}

function printSeen(
  { id, level }: PopulationCompany,
  { progress, history = newHistory(), record, steps }: Seen,
): number {
  console.log(`${id}  ${progress === undefined ? 'never admitted' : progress.state}, ${history.life}`);
  if (progress !== undefined && progress.reason !== '') console.log(`  reason    ${progress.reason}`);
  console.log(`  level     ${history.level ?? level}`);
  console.log(`  changes   ${history.changes}, of which healings ${history.healedAtMs.length}`);
  if (history.change !== undefined) console.log(`  unfinished  ${history.change.name}`);
  const registered =
    record && `${record.level}, ${record.hostname}${record.isSuspended ? ', suspended' : ''}`;
  console.log(`  registry  ${registered ?? 'not there'}`);
  for (const { id: step, found, reason } of steps)
    console.log(`  ${found.padEnd(9)} ${step}${reason && `: ${reason}`}`);
  return 0;
}
