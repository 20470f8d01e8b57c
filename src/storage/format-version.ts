// The version of the files on disk: one number for all kinds of files, in the header of each. A
// change that an older program would misread takes the next number. FORMAT.md lists the changes.

/** Every file is written in this version. */
export const formatVersion = 2;

/** The program reads these versions. It rewrites a store of an older one before it serves. */
export const readableFormatVersions = [1, 2] as const;

export type FormatVersion = (typeof readableFormatVersions)[number];

export function isReadableFormatVersion(version: unknown): version is FormatVersion {
  return readableFormatVersions.some((readable) => readable === version);
}
