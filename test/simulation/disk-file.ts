// One file on the simulated disk: the content that the system shows, and the content on stable
// storage. An unsynced sector keeps its old bytes. A failed sync marks such sectors as clean, so
// that no later sync writes them.
import type { Random } from '../support/random.ts';

export const sectorBytes = 128;

const blank = Buffer.alloc(sectorBytes);

/** The bytes that a sync in progress will make durable. */
export interface SyncUnderWay {
  readonly sectors: ReadonlyMap<number, Buffer>;
  readonly length: number;
  /** Number of syncs of the file that had ended when this one began. */
  readonly syncsBefore: number;
}

export class DiskFile {
  #buffer = Buffer.alloc(0);
  #length = 0;
  /** Length on stable storage. */
  #durableLength = 0;
  /** Sector -> its bytes on the disk, for sectors that may differ from the shown content. */
  readonly #unsynced = new Map<number, Buffer>();
  /** Sectors of a failed sync. The system takes them for written. */
  readonly #lost = new Set<number>();
  #syncs = 0;

  get length(): number {
    return this.#length;
  }

  get content(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get isSynced(): boolean {
    return this.#unsynced.size === 0 && this.#length === this.#durableLength;
  }

  read(target: Uint8Array, offset: number): number {
    return offset < this.#length ? this.content.copy(target, 0, offset) : 0;
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    if (end > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.content], Math.max(end, 2 * this.#buffer.length));
    } else if (offset > this.#length) {
      this.#buffer.fill(0, this.#length, offset);
    }
    this.#touch(Math.min(offset, this.#length), end);
    this.#buffer.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  truncate(length: number): void {
    if (length > this.#length) this.#buffer = Buffer.concat([this.content], length);
    this.#touch(Math.min(length, this.#length), Math.max(length, this.#length));
    if (length < this.#length) this.#buffer.fill(0, length, this.#length);
    this.#length = length;
  }

  sync(): void {
    if (this.#lost.size === 0) this.#unsynced.clear();
    for (const sector of this.#unsynced.keys()) {
      if (!this.#lost.has(sector)) this.#unsynced.delete(sector);
    }
    this.#durableLength = this.#length;
    this.#syncs += 1;
  }

  beginSync(): SyncUnderWay {
    const sectors = new Map<number, Buffer>();
    for (const sector of this.#unsynced.keys()) {
      if (!this.#lost.has(sector)) sectors.set(sector, this.#shown(sector));
    }
    return { sectors, length: this.#length, syncsBefore: this.#syncs };
  }

  /** A sync may miss bytes that were written after it began. */
  finishSync({ sectors, length, syncsBefore }: SyncUnderWay): void {
    // Another sync began later and ended earlier. It has made all of these bytes durable, and more.
    if (this.#syncs > syncsBefore) return;
    for (const [sector, written] of sectors) {
      if (!this.#unsynced.has(sector) || this.#lost.has(sector)) continue;
      if (this.#shown(sector).equals(written)) this.#unsynced.delete(sector);
      else this.#unsynced.set(sector, written);
    }
    this.#durableLength = length;
    this.#syncs += 1;
  }

  /** A failed sync may write some sectors. The system marks all of them as clean. */
  failSync(random: Random): void {
    for (const sector of this.#unsynced.keys()) {
      if (!this.#lost.has(sector) && random() < 0.3) this.#unsynced.delete(sector);
      else this.#lost.add(sector);
    }
    if (random() < 0.3) this.#durableLength = this.#length;
  }

  /** Cuts the power. Each unsynced sector is old or new. The length is old, new, or in between. */
  afterPowerCut(random: Random): DiskFile {
    const after = new DiskFile();
    if (this.isSynced) {
      after.#buffer = Buffer.from(this.content);
      after.#length = this.#length;
      after.#durableLength = this.#length;
      return after;
    }
    const bound = [this.#durableLength, this.#length] as const;
    const [low, high] = [Math.min(...bound), Math.max(...bound)];
    const choice = random();
    const length =
      choice < 0.3 ? low : choice < 0.6 ? high : low + Math.floor(random() * (high - low + 1));
    const bytes = Buffer.alloc(Math.ceil(high / sectorBytes) * sectorBytes);
    this.content.copy(bytes);
    // The disk often has one end of the written bytes, and sometimes any of them.
    const isScattered = random() < 0.5;
    const keptShare = random();
    const unsynced = [...this.#unsynced].toSorted(([a], [b]) => a - b);
    for (const [index, [sector, onDisk]] of unsynced.entries()) {
      const isKept = isScattered ? random() < 0.5 : index < keptShare * unsynced.length;
      if (this.#lost.has(sector) || !isKept) onDisk.copy(bytes, sector * sectorBytes);
    }
    after.#buffer = bytes.subarray(0, length);
    after.#length = length;
    after.#durableLength = length;
    return after;
  }

  #shown(sector: number): Buffer {
    const bytes = Buffer.alloc(sectorBytes);
    this.read(bytes, sector * sectorBytes);
    return bytes;
  }

  #touch(from: number, to: number): void {
    const first = Math.floor(from / sectorBytes);
    const last = Math.ceil(to / sectorBytes);
    // Copy all at once, because a truncated file may have thousands of sectors.
    const old = Math.min(last, Math.ceil(this.#length / sectorBytes));
    const shown = Buffer.alloc(Math.max(0, old - first) * sectorBytes);
    this.read(shown, first * sectorBytes);
    for (let sector = first; sector < last; sector++) {
      if (this.#lost.size > 0) this.#lost.delete(sector);
      if (this.#unsynced.has(sector)) continue;
      const at = (sector - first) * sectorBytes;
      this.#unsynced.set(sector, sector < old ? shown.subarray(at, at + sectorBytes) : blank);
    }
  }
}
