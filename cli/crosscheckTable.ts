// The rows of a crosscheck as a table on the terminal.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import { rowFigure } from '../reports/crosscheckSentences.ts';
import { share, signedShare } from '../reports/format.ts';

export const figureTable = ({ rows }: CrosscheckReport): string[] =>
  table([
    ['figure', 'simulated', 'emulated', 'deviation', 'allowed', ''],
    ...rows.map(row => [
      row.figure,
      rowFigure(row.simulated, row.unit),
      rowFigure(row.emulated, row.unit),
      signedShare(row.deviation),
      row.tolerance === null ? '' : share(row.tolerance),
      row.tolerance === null ? 'shown, not judged' : row.within ? 'within' : 'OUT',
    ]),
  ]);

/** The first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  return rows.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('   ')
      .trimEnd(),
  );
}
