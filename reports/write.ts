// A report on disk: `report.json`, `report.html`, `report.md`, each whole or not there.

import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import type { Report } from './report.ts';

const FILES = ['report.html', 'report.md', 'report.json'];

export type ReportPaths = { readonly json: string; readonly html: string; readonly markdown: string };

/** The directory cannot be written. What stood in it still does, and no temporary file is left. */
export class ReportNotWritten extends Error {
  override readonly name = 'ReportNotWritten';
}

/** Renders everything before it touches the disk; a reader never sees half a file. Throws `ReportNotWritten`. */
export function writeReport(report: Report, dir: string): ReportPaths {
  const files = [
    { path: join(dir, 'report.html'), text: renderHtml(report) },
    { path: join(dir, 'report.md'), text: renderMarkdown(report) },
    // The contract comes last: where it is new, the others are.
    { path: join(dir, 'report.json'), text: `${JSON.stringify(report, null, 2)}\n` },
  ].map(file => ({ ...file, temporary: `${file.path}.${process.pid}.tmp` }));
  try {
    // A rename that has happened cannot be taken back: what would stop one of them is looked for before the first.
    expectReplaceable(dir);
    mkdirSync(dir, { recursive: true });
    for (const { temporary, text } of files) writeFileSync(temporary, text, { flush: true });
    for (const { temporary, path } of files) renameSync(temporary, path);
  } catch (error) {
    for (const { temporary } of files) removeQuietly(temporary);
    throw new ReportNotWritten(`the report cannot be written to ${dir}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return { html: files[0].path, markdown: files[1].path, json: files[2].path };
}

/** Throws when one of the reports' names in this folder is a directory's, which no rename replaces. */
export function expectReplaceable(dir: string): void {
  for (const path of FILES.map(file => join(dir, file)))
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${path} is a directory`);
}

/** What cannot be removed cannot have been written either; the first error is the one to tell. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
