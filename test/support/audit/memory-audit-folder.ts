// A folder of the audit log in memory, on a disk that the test fills, breaks or holds up.
import type { AuditFile, AuditFolder } from '../../../src/audit/audit-folder.ts';
import { systemError } from '../disk/memory-file-system.ts';

export class MemoryAuditFolder implements AuditFolder {
  readonly files = new Map<string, Buffer>();
  readonly #synced = new Map<string, number>();
  /** Bytes that the disk still takes. A write that does not fit is cut short, and the next one fails. */
  freeBytes = Infinity;
  /** Each call fails with this code; undefined: the disk works. */
  failure: string | undefined;
  #held: Promise<void> | undefined;
  appends = 0;

  /** All files as one text, oldest first. */
  get text(): string {
    return [...this.files.keys()]
      .toSorted()
      .map((name) => this.files.get(name)?.toString('utf8') ?? '')
      .join('');
  }

  get records(): readonly Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** True if every byte of every file is on stable storage. */
  get isSynced(): boolean {
    return [...this.files].every(([name, { length }]) => (this.#synced.get(name) ?? 0) === length);
  }

  /** From now on writes wait. @returns lets them go on */
  hold(): () => void {
    let release: (() => void) | undefined;
    this.#held = new Promise((resolve) => (release = resolve));
    return () => {
      this.#held = undefined;
      release?.();
    };
  }

  async list(): Promise<readonly string[]> {
    this.#failIfBroken();
    return [...this.files.keys()];
  }

  async open(name: string): Promise<AuditFile> {
    this.#failIfBroken();
    const content = this.files.get(name) ?? Buffer.alloc(0);
    this.files.set(name, content);
    return {
      bytes: content.length,
      endsLine: content.length === 0 || content.at(-1) === 0x0a,
      append: (bytes) => this.#append(name, bytes),
      sync: async () => {
        this.#failIfBroken();
        this.#synced.set(name, this.files.get(name)?.length ?? 0);
      },
      close: async () => undefined,
    };
  }

  async remove(name: string): Promise<void> {
    this.#failIfBroken();
    this.freeBytes += this.files.get(name)?.length ?? 0;
    this.files.delete(name);
  }

  async #append(name: string, bytes: Uint8Array): Promise<number> {
    await this.#held;
    this.#failIfBroken();
    this.appends += 1;
    const written = Math.min(bytes.length, this.freeBytes);
    if (written === 0) throw systemError('ENOSPC', name);
    this.freeBytes -= written;
    const before = this.files.get(name) ?? Buffer.alloc(0);
    this.files.set(name, Buffer.concat([before, bytes.subarray(0, written)]));
    return written;
  }

  #failIfBroken(): void {
    if (this.failure !== undefined) throw systemError(this.failure, 'audit');
  }
}
