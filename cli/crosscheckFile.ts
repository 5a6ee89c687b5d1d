// `crosscheck.json`, beside a scenario's report: `crosscheck` writes it, and `run` and `gate` quote it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import type { Report } from '../reports/report.ts';
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
  /** Null where the scenario has no rollout. */
  readonly rollout: CrosscheckReport | null;
  /** Of the traffic, as `withoutDelays`; null where the scenario has none. */
  readonly withDelays: CrosscheckReport | null;
  readonly withoutDelays: CrosscheckReport | null;
  readonly environment: Report['environment'];
};

/** What a report quotes; null where there is none of this very scenario. */
export type LastCrosscheck = {
  readonly rollout: CrosscheckReport | null;
  /** The traffic's part with delays. */
  readonly traffic: CrosscheckReport | null;
};

export const crosscheckPath = (folder: string): string => join(folder, 'crosscheck.json');

/** The last crosscheck in that folder. Throws INPUT when what is there cannot be quoted. */
export function lastCrosscheck(folder: string, scenario: Scenario): LastCrosscheck {
  const path = crosscheckPath(folder);
  if (!existsSync(path)) return NONE;
  const document = read(path, scenario);
  if (document?.schemaVersion !== 1 || document.scenarioHash !== scenarioHash(scenario)) return NONE;
  // A version before rollouts had a crosscheck wrote none.
  const { rollout = null, withDelays = null } = document;
  for (const part of [rollout, withDelays])
    if (part !== null && !validate(part))
      throw unusable(path, scenario, `${validate.errors![0].instancePath} ${validate.errors![0].message}`);
  return { rollout, traffic: withDelays };
}

const NONE: LastCrosscheck = { rollout: null, traffic: null };

function read(path: string, scenario: Scenario): Partial<CrosscheckDocument> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw unusable(path, scenario, (error as Error).message);
  }
}

const unusable = (path: string, { name }: Scenario, why: string) =>
  new SandtableError(
    'INPUT',
    `${path} cannot be read: ${why.trim()}; delete it, or make it again with: sandtable crosscheck ${name}`,
  );

const objectOf = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

/** What the reports read of it. */
const validate = new Ajv().compile<CrosscheckReport>(
  objectOf({
    scenario: { type: 'string' },
    verdict: { enum: ['PASS', 'FAIL', 'INCONCLUSIVE'] },
    withDelays: { type: 'boolean' },
    rows: {
      type: 'array',
      items: objectOf({
        figure: { type: 'string' },
        simulated: { type: 'number' },
        emulated: { type: 'number' },
        deviation: { type: 'number' },
        tolerance: { type: 'number', nullable: true },
        within: { type: 'boolean' },
        unit: { enum: ['ms', 'share', 'perSecond', 'count'] },
      }),
    },
  }),
);
