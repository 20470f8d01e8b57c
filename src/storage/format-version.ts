// The version of the files on disk: one number for all kinds of files, in the header of each. A change
// that an older program would misread takes the next number. FORMAT.md says what each version changed.

/** Every file is written in this version. */
export const formatVersion = 2;

/** Versions that can be read. A store of an older one is written anew before it is served. */
export const readableFormatVersions = [1, 2] as const;

export type FormatVersion = (typeof readableFormatVersions)[number];

export function isReadableFormatVersion(version: unknown): version is FormatVersion {
  return readableFormatVersions.some((readable) => readable === version);
}
