import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReportNotWritten, writeReport } from '../../reports/write.ts';
import { replicationsOf, reportOf } from './fixture.ts';
import { trafficInput, trafficReplication } from './trafficFixture.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const replications = replicationsOf(2);
const report = reportOf({ replications });

test('a report is five files in a directory made for it, and no temporary one', () => {
  const target = join(dir, 'results', 'rollout-400');
  const paths = writeReport(report, replications, target);
  expect(paths).toEqual({
    json: join(target, 'report.json'),
    html: join(target, 'report.html'),
    markdown: join(target, 'report.md'),
    junit: join(target, 'junit.xml'),
  });
  expect(readdirSync(target).sort()).toEqual([
    'junit.xml',
    'report.html',
    'report.json',
    'report.md',
    'waterfall.csv',
  ]);
  expect(JSON.parse(readFileSync(paths.json, 'utf8'))).toEqual(report);
  expect(readFileSync(paths.json, 'utf8')).toMatch(/^\{\n {2}"schemaVersion": 1,\n/);
});

test('a second report replaces the first', () => {
  writeReport(report, replications, dir);
  const { json } = writeReport({ ...report, seed: 43 }, replications, dir);
  expect(JSON.parse(readFileSync(json, 'utf8')).seed).toBe(43);
  expect(readdirSync(dir)).toHaveLength(5);
});

test('a report without a rollout takes the rows of an earlier one away', () => {
  writeReport(report, replications, dir);
  writeReport(reportOf(trafficInput()), [trafficReplication()], dir);
  expect(readdirSync(dir)).not.toContain('waterfall.csv');
  expect(readdirSync(dir)).toHaveLength(4);
});

test('a directory that cannot be made leaves nothing', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(() => writeReport(report, replications, join(dir, 'file', 'results'))).toThrow(ReportNotWritten);
  expect(readdirSync(dir)).toEqual(['file']);
});

test.each(['report.html', 'report.md', 'junit.xml', 'waterfall.csv', 'report.json'])(
  'nothing changes where %s is a directory',
  name => {
    writeReport(report, replications, dir);
    rmSync(join(dir, name));
    mkdirSync(join(dir, name));
    const others = readdirSync(dir).filter(file => file !== name);
    const before = others.map(file => readFileSync(join(dir, file), 'utf8'));
    expect(() => writeReport({ ...report, seed: 43 }, replications, dir)).toThrow(ReportNotWritten);
    expect(() => writeReport({ ...report, seed: 43 }, replications, dir)).toThrow(`${name} is a directory`);
    expect(readdirSync(dir)).toHaveLength(5);
    expect(others.map(file => readFileSync(join(dir, file), 'utf8'))).toEqual(before);
  },
);
