// Lays out rows of text in columns for a person. Knows no row.
import { visibleText } from '../base/visible-text.ts';

const gap = '  ';

/**
 * @param rows the first one has the titles
 * @returns lines, each with its line break
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  return new TextTable().linesOf(rows);
}

/** A table whose rows come in pieces. Columns only get wider from piece to piece. */
export class TextTable {
  readonly #widths: number[] = [];

  /** @returns lines, each with its line break */
  linesOf(rows: readonly (readonly string[])[]): string {
    const shown = rows.map((row) => row.map(visibleText));
    for (const row of shown) {
      for (const [column, cell] of row.entries()) {
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, cell.length);
      }
    }
    return shown.map((row) => `${this.#lineOf(row)}\n`).join('');
  }

  #lineOf(row: readonly string[]): string {
    return row
      .map((cell, column) => cell.padEnd(this.#widths[column] ?? 0))
      .join(gap)
      .trimEnd();
  }
}
