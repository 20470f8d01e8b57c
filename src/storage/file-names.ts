// The names of all files and folders of a store. No other file spells one. Knows no content.

export const manifestName = 'manifest.json';
/**
 * What the manifest is called while its store is made: of a new one, which holds nothing yet, and of
 * one that is made from data, which must not be taken for empty.
 */
export const manifestDraftNames = {
  new: 'manifest.json.tmp',
  filled: 'manifest.json.filling.tmp',
} as const;
/**
 * What the manifest's replacement is called until it is whole. Not as the draft of a new store is:
 * a folder that has lost its manifest must not be taken for one that never had any.
 */
export const manifestReplacementName = 'manifest.json.next.tmp';
export const currentName = 'current.json';
export const lockName = 'LOCK';
/** Room kept on the disk, see reserve.ts. */
export const reserveName = 'reserve';
/** What a file is called until it is whole and durable. */
export const temporarySuffix = '.tmp';

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

export function layoutFolderName(layout: number): string {
  return `layout-${padded(layout, 6)}`;
}

/** The layout that comes after it. */
export function nextLayoutFolderName(layout: string): string {
  return layoutFolderName(Number(layout.slice(layout.lastIndexOf('-') + 1)) + 1);
}

export function shardFolderName(shard: number): string {
  return `shard-${padded(shard, 4)}`;
}

export function snapshotName(generation: number): string {
  return `snapshot-${padded(generation, 6)}.json`;
}

export function journalName(generation: number): string {
  return `journal-${padded(generation, 6)}.ndjson`;
}

/** Where the bytes cut off a journal's end are kept, for people to look at. */
export function cutTailName(generation: number, offset: number): string {
  return `journal-${padded(generation, 6)}.cut-at-${offset}`;
}

/** Which of two tails was cut later; undefined for a name that is no tail's. */
export function cutTailOrder(name: string): [generation: number, offset: number] | undefined {
  const [, generation, offset] = /^journal-(\d{6,})\.cut-at-(\d+)$/.exec(name) ?? [];
  return generation === undefined ? undefined : [Number(generation), Number(offset)];
}

export function isLayoutFolder(name: string): boolean {
  return /^layout-\d{6,}$/.test(name);
}

/** Undefined for a name that is no shard folder's. */
export function shardOfFolder(name: string): number | undefined {
  const [, shard] = /^shard-(\d{4,})$/.exec(name) ?? [];
  return shard === undefined ? undefined : Number(shard);
}

/** A snapshot or journal of any generation. */
export function isDataFile(name: string): boolean {
  return /^(snapshot-\d{6,}\.json|journal-\d{6,}\.ndjson)$/.test(name);
}

/** Undefined for a name that is no snapshot's or journal's. */
export function dataFileOf(
  name: string,
): { readonly kind: 'snapshot' | 'journal'; readonly generation: number } | undefined {
  if (!isDataFile(name)) return undefined;
  const [, kind, generation] = /^(snapshot|journal)-(\d+)/.exec(name) ?? [];
  return { kind: kind === 'snapshot' ? kind : 'journal', generation: Number(generation) };
}

export function isTemporary(name: string): boolean {
  return name.endsWith(temporarySuffix);
}
