// The names of the audit log's folder and files. No other file spells one. Knows no content.

/** In the data folder. */
export const auditFolderName = 'audit';

/** @param number counts from 1; a later file has a higher one */
export function auditFileName(number: number): string {
  return `audit-${String(number).padStart(6, '0')}.ndjson`;
}

/** @returns undefined for the name of any other file */
export function numberOfAuditFile(name: string): number | undefined {
  const [, number] = /^audit-(\d{6,})\.ndjson$/.exec(name) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** The numbers of the audit files among these names, oldest first. */
export function numbersOfAuditFiles(names: readonly string[]): number[] {
  const numbers = names.map(numberOfAuditFile).filter((number) => number !== undefined);
  return numbers.toSorted((one, other) => one - other);
}
