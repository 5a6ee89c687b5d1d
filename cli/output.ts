// Where a command's report goes: its files in one folder, a table or JSON on the terminal, and what CI asks for besides.

import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Replication } from '../reports/measurement.ts';
import type { Report, Verdict } from '../reports/report.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { expectReplaceable, writeReport } from '../reports/write.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { shownPath } from './document.ts';

export const INTERRUPTED = 130;

const EXIT_CODES: Readonly<Record<Verdict, number>> = { PASS: 0, FAIL: 1, INCONCLUSIVE: 3, NO_DATA: 3 };

export const exitCodeOf = (verdict: Verdict): number => EXIT_CODES[verdict];

/** Makes the folder, before any work is done for it. Throws INPUT when nothing can be written there. */
export function openReportFolder(reportDir: string | undefined, scenario: Scenario): string {
  if (reportDir === '') throw new SandtableError('INPUT', '--report-dir is empty; it must be a folder');
  const dir = reportFolderOf(reportDir, scenario);
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

export function reportFolderOf(reportDir: string | undefined, scenario: Scenario): string {
  return resolve(reportDir ?? join(fileURLToPath(new URL('../results/', import.meta.url)), scenario.name));
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

/** Throws INPUT when no file can be written at `path`, in a folder that is there. Changes nothing. */
export function expectFile(flag: string, path: string): void {
  if (path === '') throw new SandtableError('INPUT', `${flag} is empty; it must be a file`);
  const target = resolve(path);
  try {
    const isThere = existsSync(target);
    if (isThere && !statSync(target).isFile()) throw Object.assign(new Error(), { code: 'it is no file' });
    // A file is replaced, not written into: the folder is what must take it.
    accessSync(dirname(target), constants.W_OK);
    if (isThere) accessSync(target, constants.W_OK);
    else if (!statSync(dirname(target)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SandtableError('INPUT', `${flag} ${path} cannot be written (${code})`);
  }
}

/** CI's summary belongs to the whole job: it is added to, and made when it is not there. Throws INPUT. */
export function expectSummary(path: string): void {
  trySummary(path, () => closeSync(openSync(path, 'a')));
}

export function appendSummary(path: string, markdown: string): void {
  trySummary(path, () => appendFileSync(path, `${markdown}\n`));
}

function trySummary(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SandtableError(
      'INPUT',
      `the summary ${path}, which GITHUB_STEP_SUMMARY names, cannot be written (${code ?? message})`,
    );
  }
}

export function publish(
  report: Report,
  replications: readonly Replication[],
  dir: string,
  json: boolean | undefined,
): void {
  const paths = writeReport(report, replications, dir);
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else process.stdout.write(renderTerminal(report, { reportPath: shownPath(paths.html), color: useColor() }));
}

const useColor = () => process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
