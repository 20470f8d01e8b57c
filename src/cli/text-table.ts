// Lays out rows of text in columns for a person. Knows no row.
import { visibleText } from '../base/visible-text.ts';

const gap = '  ';

/**
 * @param rows the first one has the titles
 * @returns lines, each with its line break
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(visibleText));
  const widths: number[] = [];
  for (const row of shown) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(gap)
      .trimEnd();
  return shown.map((row) => `${lineOf(row)}\n`).join('');
}
