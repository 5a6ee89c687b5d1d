// The calibration file: the project's own can be used, and whatever cannot is refused with every problem by name.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCalibration } from '../../cli/calibration.ts';
import { REQUEST_KINDS } from '../../scenarios/scenario.ts';
import { newFolder, sandtable } from './command.ts';

const OWN = new URL('../../scenarios/calibration.json', import.meta.url);
type Document = { demand: Record<string, Record<string, unknown>> } & Record<string, unknown>;
const own = (): Document => JSON.parse(readFileSync(OWN, 'utf8'));

function fileOf(document: unknown): string {
  const file = join(newFolder(), 'calibration.json');
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  return file;
}

const problemOf = (file: string): string => {
  try {
    loadCalibration(file);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('a calibration', () => {
  it('of the project has a demand for each kind of request', () => {
    const { calibration } = loadCalibration();
    expect(Object.keys(calibration.demand).sort()).toEqual([...REQUEST_KINDS].sort());
  });

  it('has a hash of what it says, whatever the order of its keys', () => {
    const { hash } = loadCalibration();
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const turned = Object.fromEntries(Object.entries(own()).reverse());
    expect(loadCalibration(fileOf(turned)).hash).toBe(hash);
    expect(loadCalibration(fileOf({ ...own(), arrivalShare: 0.123 })).hash).not.toBe(hash);
  });

  it.each<[string, (document: Document) => unknown, RegExp]>([
    [
      'an unknown field',
      document => ({ ...document, arivalShare: 0.5 }),
      /: arivalShare is not known; nearest: arrivalShare$/m,
    ],
    ['a missing one', ({ demand: _, ...rest }) => rest, /: demand is missing$/m],
    [
      'a kind that is missing',
      ({ demand: { asset: _, ...demand }, ...rest }) => ({ ...rest, demand }),
      /: demand\.asset is missing$/m,
    ],
    [
      'a kind with a slash, by its name',
      document => ({
        ...document,
        demand: { ...document.demand, 'tools/call': { ms: -1, low: 0, high: 1 } },
      }),
      /: demand\.tools\/call\.ms is -1; it must be a number, 0 to 10000$/m,
    ],
    [
      'a share above all',
      document => ({ ...document, arrivalShare: 2 }),
      /: arrivalShare is 2; it must be a number, 0 to 1$/m,
    ],
    [
      'a date that is none',
      document => ({ ...document, asOf: 'today' }),
      /: asOf is "today"; it must be a date such as/m,
    ],
    [
      'bounds that do not hold the demand',
      document => ({ ...document, demand: { ...document.demand, health: { ms: 1, low: 2, high: 3 } } }),
      /: demand\.health has low 2, ms 1 and high 3; they must rise in this order$/m,
    ],
    [
      'what the rig adds missing, as in a document of an earlier version',
      ({ rigOverheadMs: _, ...rest }) => rest,
      /: rigOverheadMs is missing$/m,
    ],
    [
      'bounds that do not hold what the rig adds',
      document => ({
        ...document,
        rigOverheadMs: { ...(document.rigOverheadMs as object), edge: { ms: 3, low: 1, high: 2 } },
      }),
      /: rigOverheadMs\.edge has low 1, ms 3 and high 2; they must rise in this order$/m,
    ],
    ['no object', () => [], /: the document is \[\]; it must be an object$/m],
    ['no JSON', () => '{"source":', /is not JSON: /m],
  ])('is refused for %s', (_, changed, message) => {
    expect(problemOf(fileOf(changed(own())))).toMatch(message);
  });

  it('lists every problem, a line each', () => {
    const { source: _, ...rest } = own();
    expect(problemOf(fileOf({ ...rest, arrivalShare: 2 })).split('\n')).toHaveLength(2);
  });

  it('that is not there ends a run in 2, before anything is written', async () => {
    const folder = join(newFolder(), 'report');
    const { code, stderr, stdout } = await sandtable(
      ...['run', 'today', '--replications', '1', '--report-dir', folder, '--calibration', './no-such.json'],
    );
    expect(stderr).toBe('sandtable: the calibration ./no-such.json cannot be read (ENOENT)\n');
    expect([code, stdout]).toEqual([2, '']);
  });
});
