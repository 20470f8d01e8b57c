// Lays out tables of Markdown, which a terminal shows well, too.

/** @param rows of cells; the first row is the heading. Columns but the first are right-aligned. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heading = [], ...rest] = rows;
  const widths = heading.map((_, column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? '';
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(' | ')} |\n`;
  };
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(heading), line(rule), ...rest.map(line)].join('');
}

/** A whole number with commas between thousands. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
