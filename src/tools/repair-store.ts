// Repairs a damaged store into a new folder, with every record that can still be proved. Never changes
// the old store. The new store gets a new id, so that nothing takes files of one store for the other's.
import { randomUUID } from 'node:crypto';
import { isDiskFull, StoreError } from '../base/errors.ts';
import { seqJumpRepaired } from '../base/limits.ts';
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { liveEntriesOf } from '../shard/streams/live-entries.ts';
import { proveShard } from '../shard/recovery/recovery.ts';
import { placesOf, type ShardPlace } from '../shard/shard-place.ts';
import { layoutFolderName, manifestName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import {
  draftManifest,
  nameManifest,
  removeUnfinishedStore,
  type Manifest,
} from '../storage/manifest.ts';
import { encodeEntry } from '../storage/record.ts';
import { ShardFolderWriter } from '../storage/shard-folder-writer.ts';
import { shardOfKey } from '../store/slot.ts';
import { cleanUp } from './clean-up.ts';
import { dataBytes } from './data-bytes.ts';
import { resolveSalvaged, type SalvagedTraces } from './resolve-salvaged.ts';
import { EntryDigest } from './entry-digest.ts';
import { isLoss, type Finding } from './finding.ts';
import { withRaisedFences } from './raised-fences.ts';
import { findRepairSource, type RepairSource } from './repair-source.ts';
import type { EntryTransform } from './restore.ts';
import type { SalvagedShard } from './salvaged-changes.ts';
import { salvageShard } from './shard-salvage.ts';

export interface RepairOptions {
  readonly fileSystem: FileSystem;
  readonly dataDir: string;
  /** A folder that exists, and is empty or holds an unfinished store. */
  readonly newDir: string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly report: (finding: Finding) => void;
  /** Leaves entries out, or changes or adds some, in the one shard that has this key. */
  readonly inShardOf?: { readonly key: string; readonly transform: EntryTransform } | undefined;
  /** Called when a piece of work begins. `bytes` to read are undefined if the size is unknown. */
  readonly onWork?: (work: string, bytes: number | undefined) => void;
}

export interface RepairSummary {
  readonly shards: number;
  readonly entries: number;
  /** The number of findings that say that something is lost, or may be. */
  readonly losses: number;
}

/**
 * Salvages all shards and writes the new store. The new store is whole, durable and proved when the
 * call returns. Until then, the new folder holds an unfinished store: every start refuses it, and the
 * next repair removes it.
 *
 * @throws StoreError as `findRepairSource` does; DISK_FULL if the new store has no room;
 *   STORE_INACCESSIBLE if the new files do not read back; system errors
 */
export function repairStore(options: RepairOptions): RepairSummary {
  const { fileSystem, dataDir, newDir, now } = options;
  let losses = 0;
  const report = (finding: Finding): void => {
    if (isLoss(finding)) losses += 1;
    options.report(finding);
  };
  const source = findRepairSource(fileSystem, dataDir, report);
  const { shards } = source;
  const manifest: Manifest = {
    store: randomUUID(),
    shards,
    layout: layoutFolderName(1),
    createdAt: now,
  };
  removeUnfinishedStore(fileSystem, newDir);
  try {
    draftManifest(fileSystem, newDir, manifest, 'filled');
    const entries = writeShards(options, source, manifest, report);
    nameManifest(fileSystem, newDir, 'filled');
    return { shards, entries, losses };
  } catch (error) {
    cleanUp(() => removeNewStore(fileSystem, newDir, manifest.layout));
    if (!isDiskFull(error)) throw error;
    const detail = `no room on disk in ${newDir}: what was written is removed, and ${dataDir} is unchanged`;
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
}

function writeShards(
  options: RepairOptions,
  source: RepairSource,
  manifest: Manifest,
  report: (finding: Finding) => void,
): number {
  const { fileSystem, newDir, now, inShardOf, onWork } = options;
  const changed = inShardOf && shardOfKey(inShardOf.key, manifest.shards);
  const targets = placesOf(fileSystem, newDir, manifest);
  const writing: ShardInWriting[] = [];
  try {
    for (const salvaged of salvageAll(options, source, report)) {
      const { shard, entries } = salvaged;
      const target = targets[shard];
      if (target === undefined) continue;
      const kept = shard === changed ? (inShardOf?.transform(entries) ?? entries) : entries;
      // The latest fences may be among the losses.
      writing.push(new ShardInWriting(target, salvaged, withRaisedFences(kept, now)));
    }
    const seq = Math.max(...writing.map((one) => one.seq)) + seqJumpRepaired;
    const at = Math.max(...writing.map((one) => one.at));
    for (const one of writing) one.finish(seq, at);
    fileSystem.syncFolder(`${newDir}/${manifest.layout}`);
    fileSystem.syncFolder(newDir);
    onWork?.('reading back', dataBytes(fileSystem, newDir));
    for (const one of writing) one.readBack();
    return writing.reduce((sum, { entries }) => sum + entries, 0);
  } finally {
    for (const one of writing) one.close();
  }
}

/**
 * Salvages one shard after another, so that only one is in memory. Only a pass over all shards
 * gives the outcome of a transaction in doubt. So this reads a shard with such a transaction twice.
 */
function* salvageAll(
  { fileSystem, dataDir, onWork }: RepairOptions,
  source: RepairSource,
  report: (finding: Finding) => void,
): Generator<SalvagedShard, void, void> {
  const shards = placesOf(fileSystem, dataDir, source).map((place, shard) => ({
    place,
    isOurs: (key: string) => shardOfKey(key, source.shards) === shard,
  }));
  onWork?.('salvaging', dataBytes(fileSystem, dataDir));
  const traces: SalvagedTraces[] = [];
  for (const shard of shards) {
    const salvage = salvageShard({ ...shard, report });
    const found = salvage.traces;
    traces.push(found);
    if (found.prepared.size === 0) yield salvage.finish(new Map(), report);
  }
  const outcomes = resolveSalvaged(traces, report);
  const inDoubt = shards.filter((_, shard) => traces[shard]?.prepared.size !== 0);
  if (inDoubt.length > 0) onWork?.('resolving transactions', undefined);
  for (const shard of inDoubt) {
    yield salvageShard({ ...shard, report: reportedBefore }).finish(outcomes, report);
  }
}

function reportedBefore(): void {
  // The first pass over the shard has reported it.
}

class ShardInWriting {
  readonly seq: number;
  readonly at: number;
  readonly #place: ShardPlace;
  readonly #writer: ShardFolderWriter;
  readonly #written = new EntryDigest();

  constructor(
    place: ShardPlace,
    { seq, at }: Pick<SalvagedShard, 'seq' | 'at'>,
    entries: Iterable<StreamedEntry>,
  ) {
    this.seq = seq;
    this.at = at;
    this.#place = place;
    this.#writer = new ShardFolderWriter(place.fileSystem, place.folder, place.identity);
    for (const { namespace, record, version } of entries) {
      const entry = encodeEntry(record, version);
      this.#writer.add(namespace, entry);
      this.#written.add(namespace, entry, version);
    }
  }

  get entries(): number {
    return this.#written.entries;
  }

  finish(seq: number, at: number): void {
    this.#writer.finish({ seq, at });
  }

  /** Reads the new folder as a start would, and throws if the entries differ. */
  readBack(): void {
    const [entries = []] = liveEntriesOf([this.#place], [proveShard(this.#place)]);
    const found = EntryDigest.of(entries);
    if (found.equals(this.#written)) return;
    const what = `${this.#written.entries} entries were written, ${found.entries} read back`;
    throw new StoreError('STORE_INACCESSIBLE', `${this.#place.name}: ${what}`);
  }

  close(): void {
    this.#writer.close();
  }
}

/** Removes the manifest first: every start refuses a layout without one. */
function removeNewStore(fileSystem: FileSystem, newDir: string, layout: string): void {
  const manifest = `${newDir}/${manifestName}`;
  if (fileSystem.exists(manifest)) fileSystem.remove(manifest);
  removeUnfinishedStore(fileSystem, newDir);
  const folder = `${newDir}/${layout}`;
  if (fileSystem.exists(folder)) fileSystem.removeFolder(folder);
}
