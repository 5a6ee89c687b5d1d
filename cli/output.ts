// Where a command's report goes: three files in one folder, and a table or JSON on the terminal.

import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report, Verdict } from '../reports/report.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { expectReplaceable, writeReport } from '../reports/write.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';

export const INTERRUPTED = 130;

const EXIT_CODES: Readonly<Record<Verdict, number>> = { PASS: 0, FAIL: 1, INCONCLUSIVE: 3, NO_DATA: 3 };

export const exitCodeOf = (verdict: Verdict): number => EXIT_CODES[verdict];

/** Makes the folder, before any work is done for it. Throws INPUT when nothing can be written there. */
export function openReportFolder(reportDir: string | undefined, scenario: Scenario): string {
  if (reportDir === '') throw new SandtableError('INPUT', '--report-dir is empty; it must be a folder');
  const dir = resolve(
    reportDir ?? join(fileURLToPath(new URL('../results/', import.meta.url)), scenario.name),
  );
  try {
    makeFolder(dir);
    accessSync(dir, constants.W_OK);
    expectReplaceable(dir);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code ?? message;
    throw new SandtableError(
      'INPUT',
      `the report folder ${dir} cannot be written (${reason}); choose another with --report-dir`,
    );
  }
  return dir;
}

/** As `mkdir -p`; Node's own never ends below a folder that takes no entries, such as /proc. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) {
    if (statSync(dir).isDirectory()) return;
    throw Object.assign(new Error(), { code: 'ENOTDIR' });
  }
  makeFolder(dirname(dir));
  mkdirSync(dir);
}

export function publish(report: Report, dir: string, json: boolean | undefined): void {
  const paths = writeReport(report, dir);
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else process.stdout.write(renderTerminal(report, { reportPath: shortest(paths.html), color: useColor() }));
}

function shortest(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below;
}

const useColor = () => process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
