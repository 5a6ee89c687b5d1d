import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReportNotWritten, writeReport } from '../../reports/write.ts';
import { reportOf } from './fixture.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const report = reportOf();

test('a report is three files in a directory made for it, and no temporary one', () => {
  const target = join(dir, 'results', 'rollout-400');
  const paths = writeReport(report, target);
  expect(paths).toEqual({
    json: join(target, 'report.json'),
    html: join(target, 'report.html'),
    markdown: join(target, 'report.md'),
  });
  expect(readdirSync(target).sort()).toEqual(['report.html', 'report.json', 'report.md']);
  expect(JSON.parse(readFileSync(paths.json, 'utf8'))).toEqual(report);
  expect(readFileSync(paths.json, 'utf8')).toMatch(/^\{\n {2}"schemaVersion": 1,\n/);
});

test('a second report replaces the first', () => {
  writeReport(report, dir);
  const { json } = writeReport({ ...report, seed: 43 }, dir);
  expect(JSON.parse(readFileSync(json, 'utf8')).seed).toBe(43);
  expect(readdirSync(dir)).toHaveLength(3);
});

test('a directory that cannot be made leaves nothing', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(() => writeReport(report, join(dir, 'file', 'results'))).toThrow(ReportNotWritten);
  expect(readdirSync(dir)).toEqual(['file']);
});

test('a target that cannot be replaced leaves no temporary file and no new contract', () => {
  mkdirSync(join(dir, 'report.html'));
  expect(() => writeReport(report, dir)).toThrow(/cannot be written to .*report-/);
  expect(readdirSync(dir)).toEqual(['report.html']);
});
