// One namespace of a running server, for a command that fills it: whether it is empty, how to empty it,
// and how to put entries with their deadlines. Every request may be carried out twice. Knows no file.
import type { EntryRecord } from '../storage/record.ts';
import { CommandError, exitCodes } from './command-error.ts';
import { detailOf, type PatientClient, type ServerAnswer } from './patient-client.ts';
import { visibleText } from '../base/visible-text.ts';

/** A put keeps its entry for so long beyond the deadline, until the exact deadline is set. */
const deadlineSlackMs = 60_000;

/** Result of one operation of a batch. */
interface ItemResult {
  readonly status: number;
  readonly detail?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** The server has carried out nothing of the request. */
export class RefusedRequest extends CommandError {}

export class ServerNamespace {
  readonly #client: PatientClient;
  readonly #name: string;
  /** For errors. */
  readonly #place: string;

  /** @param origin of the server, for errors */
  constructor(client: PatientClient, origin: string, name: string) {
    this.#client = client;
    this.#name = name;
    this.#place = `the namespace ${name} of ${origin}`;
  }

  /**
   * False also if the namespace has not been made.
   *
   * @throws CommandError
   */
  async hasEntries(): Promise<boolean> {
    for (let cursor = ''; ;) {
      const answer = await this.#client.get(this.#path(`v1/keys?limit=1${cursor}`));
      const { items, cursor: next, code } = membersOf(answer.json);
      if (answer.status === 404 && code === 'NAMESPACE_NOT_FOUND') return false;
      if (answer.status !== 200 || !Array.isArray(items)) throw this.#refused(answer);
      if (items.length > 0) return true;
      // Entries that have expired can fill a page that shows none.
      if (typeof next !== 'string') return false;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
  }

  /**
   * Deletes all entries at one moment. Grants stay as they are.
   *
   * @throws CommandError
   */
  async empty(): Promise<void> {
    const answer = await this.#client.post(this.#path('upstash'), '["FLUSHDB"]');
    if (membersOf(answer.json)['result'] !== 'OK') throw this.#refused(answer);
  }

  /**
   * Puts all entries, also over others of the same keys, with exactly their deadlines.
   *
   * @throws CommandError; some of the entries may be there then
   */
  async put(entries: readonly EntryRecord[]): Promise<void> {
    let left = entries;
    for (let tries = 1; ; tries++) {
      const answer = await this.#putEach(left);
      // The server has lower limits than most.
      if (answer.status === 413 && left.length > 1) return await this.#putHalves(left);
      const busy = this.#busyOf(left, answer);
      if (busy === undefined) break;
      left = busy.entries;
      await this.#client.wait(tries, `${this.#place}: ${busy.reason}`, busy.askedMs);
    }
    await this.#setDeadlines(entries.filter(({ expiresAt }) => expiresAt !== undefined));
  }

  async #putEach(entries: readonly EntryRecord[]): Promise<ServerAnswer> {
    const operations = entries.map((entry) => this.#operationOf(entry));
    return await this.#client.post(this.#path('v1/batch'), JSON.stringify({ operations }));
  }

  async #putHalves(entries: readonly EntryRecord[]): Promise<void> {
    const middle = Math.ceil(entries.length / 2);
    await this.put(entries.slice(0, middle));
    await this.put(entries.slice(middle));
  }

  /**
   * @returns the entries that the server may take later; undefined if it has taken all of them
   * @throws CommandError if it will never take one of them
   */
  #busyOf(entries: readonly EntryRecord[], answer: ServerAnswer): Busy | undefined {
    const results = membersOf(answer.json)['results'];
    if (answer.status !== 200 || !Array.isArray(results) || results.length !== entries.length) {
      throw this.#refused(answer);
    }
    const left: EntryRecord[] = [];
    let reason = '';
    let askedMs = 0;
    for (const [index, entry] of entries.entries()) {
      const problem = results[index] as ItemResult;
      if (problem.status < 400) continue;
      reason = `the key ${keyText(entry)} is refused with ${problem.status}${detailOf(problem)}`;
      if (problem.retryable !== true) throw this.#failure(reason);
      left.push(entry);
      askedMs = Math.max(askedMs, problem.retryAfterMs ?? 0);
    }
    return left.length === 0 ? undefined : { entries: left, reason, askedMs };
  }

  #operationOf({ key, value, valueBase64, expiresAt }: EntryRecord): object {
    const bytes = value === undefined ? { valueBase64 } : { value };
    if (expiresAt === undefined) return { op: 'put', key, ...bytes };
    const nowMs = Math.ceil(this.#client.serverMs());
    const leftMs = Math.max(0, expiresAt - nowMs);
    // The server takes no deadline beyond the exact numbers.
    const ttlMs = Math.min(leftMs, Number.MAX_SAFE_INTEGER - nowMs - 2 * deadlineSlackMs);
    return { op: 'put', key, ...bytes, ttl: `${ttlMs + deadlineSlackMs}ms` };
  }

  /** A time to live counts from the moment at which the server carries out the put, so it is late. */
  async #setDeadlines(entries: readonly EntryRecord[]): Promise<void> {
    if (entries.length === 0) return;
    const body = JSON.stringify(
      entries.map(({ key, expiresAt }) => ['PEXPIREAT', key, String(expiresAt)]),
    );
    for (let tries = 1; ; tries++) {
      const answer = await this.#client.post(this.#path('upstash/pipeline'), body);
      if (!Array.isArray(answer.json)) throw this.#refused(answer);
      const failed: unknown = answer.json.find((reply) => detailOf(reply) !== '');
      if (failed === undefined) return;
      await this.#client.wait(tries, `${this.#place}: a deadline is refused${detailOf(failed)}`);
    }
  }

  #path(path: string): string {
    return `ns/${this.#name}/${path}`;
  }

  #refused({ status, json }: ServerAnswer): CommandError {
    const detail = detailOf(json);
    const what =
      detail === ''
        ? `the answer is ${status}, but not as of a Holdfast server with namespaces`
        : `refused with ${status}${detail}`;
    const isRefused = status >= 400 && status < 500 && detail !== '';
    return isRefused
      ? new RefusedRequest(exitCodes.failed, `${this.#place}: ${what}`)
      : this.#failure(what);
  }

  #failure(what: string): CommandError {
    return new CommandError(exitCodes.failed, `${this.#place}: ${what}`);
  }
}

/** Entries that the server may take in another try. */
interface Busy {
  readonly entries: readonly EntryRecord[];
  readonly reason: string;
  readonly askedMs: number;
}

function membersOf(json: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject ? (json as Readonly<Record<string, unknown>>) : {};
}

const keyCharactersMax = 64;

function keyText({ key }: EntryRecord): string {
  const shown = key.length > keyCharactersMax ? `${key.slice(0, keyCharactersMax)}…` : key;
  return visibleText(JSON.stringify(shown));
}
