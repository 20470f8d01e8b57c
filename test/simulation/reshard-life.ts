// Runs a reshard with the real tool between two processes. A kill or an error may strike it at any
// call. Records the state that the tool must have found.
import { StoreError, systemErrorCode } from '../../src/base/errors.ts';
import { resolveInDoubt } from '../../src/storage/transaction-outcome.ts';
import { recoverShard, type Recovered } from '../../src/shard/recovery/recovery.ts';
import { placesOf } from '../../src/shard/shard-place.ts';
import { readManifest, type Manifest } from '../../src/storage/manifest.ts';
import { reshard } from '../../src/tools/reshard.ts';
import { randomBelow } from '../support/random.ts';
import { nameOf } from './entry-names.ts';
import type { NamedItem } from './logged-entry.ts';
import type { FoundLayout, FoundTraces } from './recovery-judge.ts';
import { Violation } from './run-record.ts';
import { dataFolder, Gone, type SimulatedProcess } from './simulated-process.ts';
import type { DiskView } from './simulated-disk.ts';
import type { SimulationParts } from './simulation-parts.ts';

const shardsMax = 4;
/** About the number of calls that a reshard of such a store makes. */
const callsOfReshard = 120;

export class ReshardLife {
  readonly #parts: SimulationParts;
  /** The layout of the last process. */
  #layout: string | undefined;
  /** The state of the old layout at the last reshard. */
  #found: FoundTraces | undefined;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
  }

  /**
   * Reshards to another number of shards.
   *
   * @param tool the process that runs the tool; it is gone afterwards
   */
  reshard(tool: SimulatedProcess): void {
    const { random, plan, record, disk, faults } = this.#parts;
    const manifest = this.#manifest();
    // A process must first serve the layout of a reshard that was cut short.
    if (manifest === undefined || manifest.layout !== this.#layout) return;
    const others = Array.from({ length: shardsMax }, (_, index) => index + 1).filter(
      (count) => count !== manifest.shards,
    );
    const shards = others[randomBelow(random, others.length)] ?? 1;
    record.note(`a reshard from ${manifest.shards} to ${shards} shards`);
    this.#found = this.#tracesIn(manifest);
    const view = disk.view(
      (...call) => faults.before(tool, undefined, call),
      () => {},
    );
    const mayBeKilled = !faults.isStopped && plan.faults.kill + plan.faults.powerCut > 0;
    if (mayBeKilled && random() < 0.35) faults.killSoon(tool, callsOfReshard);
    try {
      reshard(view, dataFolder, shards);
      if (view.openFiles > 0) throw new Violation('a reshard leaves a file open');
      record.figures.reshards += 1;
      for (const { size } of this.#found.inDoubt) record.figures.inDoubtResharded += size;
    } catch (error) {
      record.figures.reshardsCutShort += 1;
      record.note(`the reshard has failed: ${String(error)}`);
      if (!isAllowed(error, tool)) throw error;
    } finally {
      tool.isDead = true;
      faults.forget();
    }
  }

  /** A process has found the folder, and has made the name of the layout durable. */
  noteOpened(): void {
    const { judge } = this.#parts;
    const manifest = this.#manifest();
    if (manifest === undefined || manifest.layout === this.#layout) return;
    const before = this.#layout;
    this.#layout = manifest.layout;
    if (before === undefined) return;
    if (this.#found === undefined) throw new Violation(`no life has made ${manifest.layout}`);
    judge.noteLayout(this.#layoutOf(manifest), this.#found);
  }

  #manifest(): Manifest | undefined {
    return this.#parts.faults.whilePaused(() => readManifest(this.#view(), dataFolder));
  }

  #view(): DiskView {
    return this.#parts.disk.view(
      () => undefined,
      () => {},
    );
  }

  #recover(manifest: Manifest): Recovered[] {
    const fileSystem = this.#view();
    try {
      return placesOf(fileSystem, dataFolder, manifest).map((place) => recoverShard(place));
    } catch (error) {
      throw new Violation(`between two processes the folder is damaged: ${String(error)}`);
    }
  }

  /** The transactions in doubt and their outcomes, as a start would find and resolve them. */
  #tracesIn(manifest: Manifest): FoundTraces {
    const traces = this.#recover(manifest).map((recovered) => recovered.traces);
    const inDoubt = traces.map(({ prepared }) => new Set(prepared.keys()));
    return { inDoubt, outcomes: resolveInDoubt(traces) };
  }

  #layoutOf(manifest: Manifest): FoundLayout {
    const recovered = this.#recover(manifest);
    const seqs = recovered.map(({ openJournal }) => openJournal.end.seq);
    const items = recovered.map(({ table }) =>
      table.namespaces().flatMap((namespace) =>
        Array.from(table.entriesOf(namespace), (entry): NamedItem => {
          const { key, version, expiresAt, value } = entry;
          const bytes = Buffer.from(value, 'latin1');
          return { name: nameOf({ namespace, key }), version, expiresAt, value: bytes };
        }),
      ),
    );
    return { items, nextSeq: Math.min(...seqs) };
  }
}

function isAllowed(error: unknown, { isDead, hadErrors }: SimulatedProcess): boolean {
  // A kill loses the output of the tool.
  if (isDead || error instanceof Gone) return true;
  if (error instanceof Violation || !hadErrors) return false;
  const code = error instanceof StoreError ? error.code : systemErrorCode(error);
  return code === 'STORE_INACCESSIBLE' || code === 'DISK_FULL' || code === 'EIO';
}
