// `crosscheck.json`, beside a scenario's report: `crosscheck` writes it, and `run` and `gate` quote it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CrosscheckReport, Report } from '../reports/report.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { scenarioHash } from './input.ts';

export type CrosscheckDocument = {
  readonly schemaVersion: 1;
  readonly scenarioHash: string;
  readonly calibrationHash: string;
  readonly seed: number;
  /** The flags that change a result, as they were typed. */
  readonly flags: readonly string[];
  readonly commit: string;
  readonly withDelays: CrosscheckReport;
  readonly withoutDelays: CrosscheckReport;
  readonly environment: Report['environment'];
};

export const crosscheckPath = (folder: string): string => join(folder, 'crosscheck.json');

/** The last crosscheck in that folder, by its part with delays; undefined when there is none of this very scenario. */
export function lastCrosscheck(folder: string, scenario: Scenario): CrosscheckReport | undefined {
  const path = crosscheckPath(folder);
  if (!existsSync(path)) return undefined;
  let document: Partial<CrosscheckDocument>;
  try {
    document = JSON.parse(readFileSync(path, 'utf8')) as Partial<CrosscheckDocument>;
  } catch (error) {
    throw new SandtableError(
      'INPUT',
      `${path} cannot be read: ${(error as Error).message}; delete it, or make it again with: sandtable crosscheck ${scenario.name}`,
    );
  }
  if (document?.schemaVersion !== 1 || document.scenarioHash !== scenarioHash(scenario)) return undefined;
  return document.withDelays;
}
