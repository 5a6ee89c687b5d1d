// `sandtable watch`: the monitor and the healer on what an earlier pilot provisioned, for so long by the fakes' clock. A
// line a finding, a diagnosis, a remedy and an alert; at the end a summary, also as watch.json in the report's folder.

import { join } from 'node:path';
import { DURATION_PATTERN, durationMs, type Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { type CheckRecord, check } from '../src/operations/check.ts';
import type { HealRecord } from '../src/operations/heal.ts';
import type { Operations } from '../src/operations/operations.ts';
import { CHECK_KINDS, type CheckKind, checksDue, dueAfterMs, slotOf } from '../src/operations/schedule.ts';
import { type WatchCounts, watch as watchOver } from '../src/operations/watch.ts';
import { shownPath, writeDocument } from './document.ts';
import { say } from './emulated.ts';
import { INTERRUPTED } from './output.ts';
import { onProvisioned, type ProvisionedFlags } from './provisioned.ts';
import { show } from './words.ts';

/** A day of checks shows every one that is due; more would only show it again. */
const FOR_MS_MAX = 86_400_000;
/** Companies asked at once when the watch is over. */
const LAST_LOOKS_AT_ONCE = 50;
/** Turns of the last look: behind those of any watch. */
const LAST_TURN = 1_000_000;

type Counts = Record<CheckKind, number>;

export async function watch(scenario: Scenario, duration: string, flags: ProvisionedFlags): Promise<number> {
  const forMs = parseDuration(duration);
  return onProvisioned(
    scenario,
    flags,
    () => {},
    async ({ operations, speed, folder }) => {
      const { clock } = operations.ports;
      const startedAtMs = clock.nowMs();
      const due = dueWithin(operations, forMs);
      const done: Counts = { service: 0, database: 0, certificate: 0 };
      const findings: CheckRecord[] = [];
      const healings: HealRecord[] = [];
      let isInterrupted = false;
      const interrupt = () => {
        isInterrupted = true;
        say('interrupted; what is under way is waited for');
      };
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
      const record = (one: CheckRecord | HealRecord) => {
        const atMs = one.atMs - startedAtMs;
        if ('remedy' in one) healings.push(tellHealing(one, atMs));
        else {
          done[one.kind]++;
          if (one.state !== 'healthy') findings.push(tellFinding(one, atMs));
        }
      };
      const isOver = () => isInterrupted || clock.nowMs() - startedAtMs >= forMs;
      try {
        const counts = await watchOver(operations, { isOver, record, heals: true });
        const unhealthy = await unhealthyNow(operations);
        const result = { due, done, counts, findings, healings, unhealthy };
        const path = join(folder, 'watch.json');
        writeDocument(path, {
          ...{ schemaVersion: 1, scenario: scenario.name, clock: 'real', label: 'emulated', speed },
          ...{ forMs, isPartial: isInterrupted, ...result },
        });
        printSummary(result);
        console.log(`  written       ${shownPath(path)}`);
        if (isInterrupted) return INTERRUPTED;
        return unhealthy.length === 0 ? 0 : 1;
      } finally {
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      }
    },
  );
}

function parseDuration(text: string): number {
  const ms = DURATION_PATTERN.test(text) ? durationMs(text) : Number.NaN;
  if (!(ms > 0 && ms <= FOR_MS_MAX))
    throw new SandtableError(
      'INPUT',
      `--for is ${show(text)}; it must be a duration such as 10m, at most 24h by the fakes' clock`,
    );
  return ms;
}

/** Checks that the schedule has for the companies that are to be served now. */
function dueWithin(operations: Operations, forMs: number): Counts {
  const { companies, platform } = operations.options;
  const due: Counts = { service: 0, database: 0, certificate: 0 };
  const served = companies.map(({ id }) => operations.serving(id));
  for (let i = 0; dueAfterMs(i, companies.length) < forMs; i++) {
    const slot = slotOf(i, companies.length);
    const company = served[slot.company];
    if (company === undefined) continue;
    for (const kind of checksDue(slot, company.level))
      if (kind !== 'certificate' || platform.dns === 'record') due[kind]++;
  }
  return due;
}

function tellFinding(one: CheckRecord, atMs: number): CheckRecord {
  console.log(`${moment(atMs)}  ${one.company}  ${one.kind} ${one.state}: ${one.reason}`);
  return one;
}

function tellHealing(one: HealRecord, atMs: number): HealRecord {
  const { company, symptom, outcome, remedy, cause } = one;
  if (remedy !== '' && outcome === 'mended') {
    console.log(`${moment(atMs)}  ${company}  ${symptom} diagnosis: ${cause}`);
    console.log(`${moment(atMs)}  ${company}  ${symptom} remedy ${remedy}: mended`);
  } else {
    const what = outcome === 'alert' ? 'ALERT' : `diagnosis (${outcome})`;
    console.log(`${moment(atMs)}  ${company}  ${symptom} ${what}${remedy && ` after ${remedy}`}: ${cause}`);
  }
  return one;
}

const moment = (ms: number): string => `${(ms / 1000).toFixed(0).padStart(6)} s`;

/** Ids of the companies that are to be served and fail a check, or could not be asked. */
async function unhealthyNow(operations: Operations): Promise<string[]> {
  const { companies, platform } = operations.options;
  const kinds = CHECK_KINDS.filter(kind => kind !== 'certificate' || platform.dns === 'record');
  const served = companies.flatMap(({ id }) => operations.serving(id) ?? []);
  const unhealthy: string[] = [];
  for (let i = 0; i < served.length; i += LAST_LOOKS_AT_ONCE) {
    const looks = served.slice(i, i + LAST_LOOKS_AT_ONCE).map(async company => {
      const checks = await Promise.all(kinds.map(kind => check(operations, company, kind, LAST_TURN)));
      if (checks.some(({ state }) => state !== 'healthy')) unhealthy.push(company.id);
    });
    await Promise.all(looks);
  }
  return unhealthy.sort();
}

type Summary = {
  readonly due: Counts;
  readonly done: Counts;
  readonly counts: WatchCounts;
  readonly findings: readonly CheckRecord[];
  readonly unhealthy: readonly string[];
};

function printSummary({ due, done, counts, findings, unhealthy }: Summary): void {
  console.log('\nwatched  EMULATED');
  for (const kind of CHECK_KINDS)
    console.log(`  ${kind.padEnd(12)}  ${done[kind]} of ${due[kind]} checks due`);
  console.log(`  findings      ${findings.length}, of which ${counts.unknown} unknown`);
  console.log(`  dropped       ${counts.dropped}`);
  console.log(`  remedies      ${counts.healings}`);
  console.log(`  alerts        ${counts.alerts}`);
  console.log(`  unhealthy     ${unhealthy.length === 0 ? 'none' : unhealthy.join(', ')}`);
}
