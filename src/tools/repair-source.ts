// Finds the store id, shard count and live layout of a damaged data folder. Reads the manifest, or
// infers all three from the other files if the manifest is lost. Changes nothing.
import { StoreError } from '../base/errors.ts';
import { byteStringOfText } from '../base/byte-string.ts';
import { shardCountMax } from '../base/limits.ts';
import { DamageError } from '../storage/damage.ts';
import {
  currentName,
  isDataFile,
  isLayoutFolder,
  manifestName,
  shardOfFolder,
} from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { readLines } from '../storage/line-reader.ts';
import { readManifest, type Manifest } from '../storage/manifest.ts';
import { openLine, parseLine } from '../storage/sealed-line.ts';
import { headerClosing, headerOpening } from '../storage/snapshot-format.ts';
import { shardOfSlot, slotOfKey } from '../store/slot.ts';
import type { Finding } from './finding.ts';
import { refuseOlderVersion } from './offline-store.ts';

export type RepairSource = Pick<Manifest, 'store' | 'shards' | 'layout'>;

/**
 * Finds the store to repair. Reports damage of the manifest, and files and folders that do not count.
 *
 * @throws StoreError STORE_INACCESSIBLE if there is no store, or if no file says which store it
 *   belongs to; STORE_MISMATCH if another version of the program wrote the store
 */
export function findRepairSource(
  fileSystem: FileSystem,
  dataDir: string,
  report: (finding: Finding) => void,
): RepairSource {
  const source = readOrInfer(fileSystem, dataDir, report);
  const folders = fileSystem.exists(`${dataDir}/${source.layout}`)
    ? fileSystem.list(`${dataDir}/${source.layout}`)
    : [];
  for (const name of folders) {
    if ((shardOfFolder(name) ?? -1) < source.shards) continue;
    const what = `the store has ${source.shards} shards`;
    report({ finding: 'unused', file: `${source.layout}/${name}`, what });
  }
  for (const name of fileSystem.list(dataDir).filter(isLayoutFolder)) {
    if (name === source.layout) continue;
    report({ finding: 'unused', file: name, what: `the live layout is ${source.layout}` });
  }
  return source;
}

function readOrInfer(
  fileSystem: FileSystem,
  dataDir: string,
  report: (finding: Finding) => void,
): RepairSource {
  try {
    const manifest = readManifest(fileSystem, dataDir);
    if (manifest !== undefined) {
      refuseOlderVersion(dataDir, manifest);
      return manifest;
    }
  } catch (error) {
    if (!(error instanceof DamageError) || error.code !== 'STORE_DAMAGED') throw error;
    report({ finding: 'damage', file: manifestName, what: error.what });
    return inferSource(fileSystem, dataDir, report);
  }
  throw new StoreError('STORE_INACCESSIBLE', `${dataDir}: there is no store in this folder`);
}

function inferSource(
  fileSystem: FileSystem,
  dataDir: string,
  report: (finding: Finding) => void,
): RepairSource {
  const layouts = fileSystem.list(dataDir).filter(isLayoutFolder);
  const layout = newestWhole(fileSystem, dataDir, layouts);
  if (layout === undefined) throw nothingToSave('there is no layout folder');
  if (layouts.length > 1) {
    const what = `no file says whether ${layout} is the live layout`;
    report({ finding: 'unproved-end', shard: null, file: manifestName, what });
  }
  const folders = fileSystem
    .list(`${dataDir}/${layout}`)
    .map((name) => ({ folder: `${dataDir}/${layout}/${name}`, shard: shardOfFolder(name) }))
    .filter((one): one is ShardFolderThere => one.shard !== undefined);
  return {
    layout,
    store: mostNamedStore(fileSystem, folders),
    shards: inferShards(fileSystem, folders),
  };
}

/**
 * Two layouts exist while a reshard or an upgrade replaces one. An unfinished layout lacks the last
 * file of some shard. A whole layout holds all data of the layout before it.
 */
function newestWhole(
  fileSystem: FileSystem,
  dataDir: string,
  layouts: readonly string[],
): string | undefined {
  const isWhole = (layout: string): boolean => {
    const folder = `${dataDir}/${layout}`;
    const shards = fileSystem.list(folder).filter((name) => shardOfFolder(name) !== undefined);
    return shards.every((name) => fileSystem.exists(`${folder}/${name}/${currentName}`));
  };
  return layouts.findLast(isWhole) ?? layouts.at(-1);
}

interface ShardFolderThere {
  readonly folder: string;
  readonly shard: number;
}

function mostNamedStore(fileSystem: FileSystem, folders: readonly ShardFolderThere[]): string {
  const votes = new Map<string, number>();
  for (const { object } of provableObjects(fileSystem, folders, isFirst)) {
    const { store } = object;
    if (typeof store === 'string') votes.set(store, (votes.get(store) ?? 0) + 1);
  }
  const [most] = [...votes].toSorted(([, a], [, b]) => b - a);
  if (most === undefined) throw nothingToSave('no file says whose it is');
  return most[0];
}

/**
 * Infers at least one shard per folder. The slots of keys show whether the last folders are missing.
 */
function inferShards(fileSystem: FileSystem, folders: readonly ShardFolderThere[]): number {
  const least = Math.max(...folders.map(({ shard }) => shard + 1));
  let counts = Array.from({ length: shardCountMax - least + 1 }, (_, index) => least + index);
  for (const { object, shard } of provableObjects(fileSystem, folders, () => true)) {
    for (const key of keysOf(object)) {
      const slot = slotOfKey(byteStringOfText(key));
      const fitting = counts.filter((count) => shardOfSlot(slot, count) === shard);
      if (fitting.length > 0) counts = fitting;
    }
    if (counts.length === 1) break;
  }
  return counts[0] ?? least;
}

interface ProvableObject {
  readonly object: Readonly<Record<string, unknown>>;
  readonly shard: number;
}

const isFirst = (line: number): boolean => line === 1;

function* provableObjects(
  fileSystem: FileSystem,
  folders: readonly ShardFolderThere[],
  isWanted: (line: number) => boolean,
): Generator<ProvableObject, void, void> {
  for (const { folder, shard } of folders) {
    for (const name of fileSystem.list(folder).filter(isWorthReading)) {
      const file = fileSystem.openReadOnly(`${folder}/${name}`);
      try {
        for (const { number, bytes } of readLines(file)) {
          if (!isWanted(number)) break;
          const object = provableObject(bytes);
          if (object !== undefined) yield { object, shard };
        }
      } finally {
        file.close();
      }
    }
  }
}

function isWorthReading(name: string): boolean {
  return name === currentName || isDataFile(name);
}

/**
 * Parses a line of any kind of file.
 *
 * @returns undefined if the line does not match its own checksum
 */
function provableObject(bytes: Buffer): Record<string, unknown> | undefined {
  const header = bytes.subarray(headerOpening.length, bytes.length - headerClosing.length);
  for (const part of [bytes, bytes.subarray(0, -1), header]) {
    const parsed = openLine(part) === undefined ? undefined : parseLine(part);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  }
  return undefined;
}

function keysOf({ records, entries }: Readonly<Record<string, unknown>>): string[] {
  const items: unknown = records ?? entries;
  if (!Array.isArray(items)) return [];
  return items.flatMap(({ key, changes }: { key?: unknown; changes?: unknown }) =>
    typeof key === 'string' ? [key] : keysOf({ records: changes }),
  );
}

function nothingToSave(why: string): StoreError {
  return new StoreError('STORE_INACCESSIBLE', `there is nothing to be saved: ${why}`);
}
