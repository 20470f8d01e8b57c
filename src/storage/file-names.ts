// The names of all files and folders of a store. No other file spells one. Knows no content.

export const manifestName = 'manifest.json';
/**
 * Names of the manifest while a program makes the store. A start may remove an unfinished `new` store,
 * because it holds no data. It must refuse an unfinished `filled` one, which is made from data.
 */
export const manifestDraftNames = {
  new: 'manifest.json.tmp',
  filled: 'manifest.json.filling.tmp',
} as const;
/**
 * Name of the manifest's replacement until it is whole. A draft's name would make a folder that has
 * lost its manifest look unfinished.
 */
export const manifestReplacementName = 'manifest.json.next.tmp';
export const currentName = 'current.json';
export const lockName = 'LOCK';
/** A file that keeps room on the disk, see reserve.ts. */
export const reserveName = 'reserve';
/** Ends the name of a file that is not yet whole and durable. */
export const temporarySuffix = '.tmp';

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

export function layoutFolderName(layout: number): string {
  return `layout-${padded(layout, 6)}`;
}

/** Name of the layout that follows `layout`. */
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

/** Name of the file that keeps bytes cut off a journal's end, for operators to inspect. */
export function cutTailName(generation: number, offset: number): string {
  return `journal-${padded(generation, 6)}.cut-at-${offset}`;
}

/**
 * A later cut compares higher.
 *
 * @returns undefined for the name of any other file
 */
export function cutTailOrder(name: string): [generation: number, offset: number] | undefined {
  const [, generation, offset] = /^journal-(\d{6,})\.cut-at-(\d+)$/.exec(name) ?? [];
  return generation === undefined ? undefined : [Number(generation), Number(offset)];
}

export function isLayoutFolder(name: string): boolean {
  return /^layout-\d{6,}$/.test(name);
}

/** @returns undefined for the name of anything but a shard's folder */
export function shardOfFolder(name: string): number | undefined {
  const [, shard] = /^shard-(\d{4,})$/.exec(name) ?? [];
  return shard === undefined ? undefined : Number(shard);
}

/** True for snapshots and journals of any generation. */
export function isDataFile(name: string): boolean {
  return /^(snapshot-\d{6,}\.json|journal-\d{6,}\.ndjson)$/.test(name);
}

/** @returns undefined for the name of anything but a snapshot or journal */
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
