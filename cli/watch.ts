// `sandtable watch`: the monitor and the healer on what an earlier pilot provisioned, for so long by the fakes' clock. A
// line a finding, a diagnosis, a remedy and an alert; at the end a summary, also as watch.json in the report's folder.

import { join } from 'node:path';
import { count, duration } from '../reports/format.ts';
import { titleOfLimit } from '../reports/limits.ts';
import { FactValues } from '../scenarios/facts.ts';
import { vendorRatesOf } from '../scenarios/rolloutOptions.ts';
import { DURATION_PATTERN, durationMs, type Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { type CheckRecord, check } from '../src/operations/check.ts';
import type { HealRecord } from '../src/operations/heal.ts';
import { type Interval, intervalsOf } from '../src/operations/intervals.ts';
import type { Operations } from '../src/operations/operations.ts';
import { CHECK_KINDS, type CheckKind } from '../src/operations/schedule.ts';
import { type WatchCounts, watch as watchOver } from '../src/operations/watch.ts';
import type { LimitCount } from '../src/ports.ts';
import type { Company } from '../src/provisioning/company.ts';
import { shownPath, writeDocument } from './document.ts';
import { say } from './emulated.ts';
import { INTERRUPTED } from './output.ts';
import { onProvisioned, type ProvisionedFlags } from './provisioned.ts';
import { show } from './words.ts';

/** A day of checks shows every one that is due; more would only show it again. */
const FOR_MS_MAX = 86_400_000;
/** Companies asked at once when the watch is over, and how soon again where the vendor's limits are taken. */
const LAST_LOOKS_AT_ONCE = 50;
const LOOK_AGAIN_MS = 1000;
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
      const intervals = intervalsFor(scenario, operations);
      tellIntervals(scenario, intervals);
      const done: Counts = { service: 0, database: 0, certificate: 0 };
      const findings: CheckRecord[] = [];
      /** Whose latest check of a kind was not healthy. */
      const suspects = new Set<string>();
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
          suspects.delete(suspectOf(one.company, one.kind));
          if (one.state === 'healthy') return;
          suspects.add(suspectOf(one.company, one.kind));
          findings.push(tellFinding(one, atMs));
        }
      };
      const isOver = () => isInterrupted || clock.nowMs() - startedAtMs >= forMs;
      try {
        const counts = await watchOver(operations, { isOver, record, heals: true });
        const unhealthy = await unhealthyNow(operations, suspects);
        const limits = operations.counts();
        const result = { done, counts, limits, findings, healings, unhealthy };
        const path = join(folder, 'watch.json');
        writeDocument(path, {
          ...{ schemaVersion: 1, scenario: scenario.name, clock: 'real', label: 'emulated', speed },
          ...{ forMs, isPartial: isInterrupted, quotas: scenario.provisioning.quotas, intervals, ...result },
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

/** By what the vendors allow, whether or not this scenario's clouds hold anybody to it. */
function intervalsFor(scenario: Scenario, { options }: Operations): Interval[] {
  const rates = vendorRatesOf(new FactValues('mid', scenario.facts), scenario.platform);
  return intervalsOf(options.companies, options.platform, rates);
}

/** Says of every check of the plan's that the vendors do not allow so often; nothing where all fit. */
function tellIntervals({ provisioning: { quotas } }: Scenario, intervals: readonly Interval[]): void {
  for (const {
    kind,
    limit,
    scope,
    planMs,
    everyMs,
    askedPerMinute,
    ownPerMinute,
    allowedPerMinute,
  } of intervals) {
    if (everyMs === planMs) continue;
    const asked = `${count(askedPerMinute)} calls a minute for ${scope}, of which the monitor may take ${count(ownPerMinute)}`;
    console.log(
      `TOO OFTEN  ${kind} checks every ${duration(planMs)}, as the plan has them, are ${asked}: half of ` +
        `${titleOfLimit(limit)}, ${count(allowedPerMinute)} a minute`,
    );
    console.log(
      quotas === 'vendor'
        ? `           they are made every ${duration(everyMs)} instead`
        : `           every ${duration(everyMs)} would do; these clouds have no such limit (provisioning.quotas), and they are made as planned`,
    );
  }
}

const suspectOf = (company: string, kind: CheckKind): string => `${company} ${kind}`;

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

/**
 * Ids of the companies that are to be served and do not answer, or fail still what they failed last, or cannot be asked.
 * What was well when it was due is not asked after again: all certificates at once would take what a vendor allows in an hour.
 */
async function unhealthyNow(operations: Operations, suspects: ReadonlySet<string>): Promise<string[]> {
  const { companies } = operations.options;
  const looks = companies.flatMap(({ id }) => {
    const company = operations.serving(id);
    const kinds = CHECK_KINDS.filter(kind => kind === 'service' || suspects.has(suspectOf(id, kind)));
    return company === undefined ? [] : [{ company, kinds }];
  });
  const unhealthy: string[] = [];
  for (let i = 0; i < looks.length; i += LAST_LOOKS_AT_ONCE) {
    const asked = looks.slice(i, i + LAST_LOOKS_AT_ONCE).map(async ({ company, kinds }) => {
      const checks = await Promise.all(kinds.map(kind => checkAtLast(operations, company, kind)));
      if (checks.some(({ state }) => state !== 'healthy')) unhealthy.push(company.id);
    });
    await Promise.all(asked);
  }
  return unhealthy.sort();
}

async function checkAtLast(operations: Operations, company: Company, kind: CheckKind): Promise<CheckRecord> {
  for (let turn = LAST_TURN; ; turn++) {
    const record = await check(operations, company, kind, turn);
    if (record.state !== 'heldBack') return record;
    await operations.ports.clock.sleep(LOOK_AGAIN_MS);
  }
}

type Summary = {
  readonly done: Counts;
  readonly counts: WatchCounts;
  readonly limits: readonly LimitCount[];
  readonly findings: readonly CheckRecord[];
  readonly unhealthy: readonly string[];
};

function printSummary({ done, counts, limits, findings, unhealthy }: Summary): void {
  console.log('\nwatched  EMULATED');
  for (const kind of CHECK_KINDS)
    console.log(`  ${kind.padEnd(12)}  ${done[kind]} of ${counts.due[kind]} checks due`);
  console.log(`  findings      ${findings.length}, of which ${counts.unknown} unknown`);
  console.log(`  dropped       ${counts.dropped}`);
  console.log(`  held back     ${counts.heldBack}, where a vendor's limit was taken`);
  for (const { name, calls, waitMs, refusals } of limits)
    if (calls > 0 || refusals > 0) {
      const waited = `${count(calls)} calls, ${duration(waitMs / Math.max(1, calls))} of waiting a call`;
      console.log(`  limit         ${titleOfLimit(name)}: ${waited}, refused ${count(refusals)} times`);
    }
  console.log(`  remedies      ${counts.healings}`);
  console.log(`  alerts        ${counts.alerts}`);
  console.log(`  unhealthy     ${unhealthy.length === 0 ? 'none' : unhealthy.join(', ')}`);
}
