// A JSON document that a command writes beside its report: whole or not there.

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { SandtableError } from '../src/errors.ts';

/** Makes the folder. Throws INPUT when the file cannot be written; what stood there then still does. */
export function writeDocument(path: string, document: object): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, `${JSON.stringify(document, null, 2)}\n`, { flush: true });
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw new SandtableError('INPUT', `${path} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** As short as it is from where the command was typed. */
export function shownPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below;
}

/** What cannot be removed cannot have been written either; the first error is the one to tell. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
