// A report on disk: `report.json`, `report.html`, `report.md`, `junit.xml`, and of a rollout `waterfall.csv`, each whole or
// not there.

import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderHtml } from './html.ts';
import { renderJUnit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import type { Replication } from './measurement.ts';
import type { Report } from './report.ts';
import { waterfallCsv } from './waterfallFile.ts';

const FILES = ['report.html', 'report.md', 'junit.xml', 'waterfall.csv', 'report.json'];

export type ReportPaths = {
  readonly json: string;
  readonly html: string;
  readonly markdown: string;
  readonly junit: string;
};

/** Without a text the file is not to be there: an earlier report's rows would pass for this one's. */
type TextFile = { readonly path: string; readonly text: string | null };

/** The directory cannot be written. What stood in it still does, and no temporary file is left. */
export class ReportNotWritten extends Error {
  override readonly name = 'ReportNotWritten';
}

/**
 * Renders everything before it touches the disk; a reader never sees half a file. `replications`: those that the report
 * was built from. Throws `ReportNotWritten`.
 */
export function writeReport(report: Report, replications: readonly Replication[], dir: string): ReportPaths {
  const [html, markdown, junit, waterfall, json] = FILES.map(file => join(dir, file));
  replaceFiles(dir, [
    { path: html, text: renderHtml(report) },
    { path: markdown, text: renderMarkdown(report) },
    { path: junit, text: renderJUnit(report) },
    { path: waterfall, text: waterfallCsv(report, replications) },
    // The contract comes last: where it is new, the others are.
    { path: json, text: `${JSON.stringify(report, null, 2)}\n` },
  ]);
  return { html, markdown, junit, json };
}

/** The same `junit.xml` in another place, whose folder is made. Throws `ReportNotWritten`. */
export function writeJUnit(report: Report, path: string): void {
  replaceFiles(dirname(path), [{ path, text: renderJUnit(report) }]);
}

function replaceFiles(dir: string, texts: readonly TextFile[]): void {
  const files = texts.map(file => ({ ...file, temporary: `${file.path}.${process.pid}.tmp` }));
  try {
    // A rename that has happened cannot be taken back: what would stop one of them is looked for before the first.
    expectNoDirectories(files.map(({ path }) => path));
    mkdirSync(dir, { recursive: true });
    for (const { temporary, text } of files)
      if (text !== null) writeFileSync(temporary, text, { flush: true });
    for (const { temporary, path, text } of files)
      if (text === null) rmSync(path, { force: true });
      else renameSync(temporary, path);
  } catch (error) {
    for (const { temporary } of files) removeQuietly(temporary);
    throw new ReportNotWritten(`the report cannot be written to ${dir}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Throws when one of the reports' names in this folder is a directory's, which no rename replaces. */
export function expectReplaceable(dir: string): void {
  expectNoDirectories(FILES.map(file => join(dir, file)));
}

function expectNoDirectories(paths: readonly string[]): void {
  for (const path of paths)
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${path} is a directory`);
}

/** What cannot be removed cannot have been written either; the first error is the one to tell. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
