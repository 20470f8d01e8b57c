// Concurrent clients that put, get and delete some keys of a real server. They send single calls,
// conditional ones and batches, one request at a time each. Records every call with its outcome.
// Knows no process.
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../random.ts';
import { isChange, type Call, type CallOutcome, type EventOrder } from './call.ts';
import { carryOut } from './carry-out.ts';
import { HttpConnection } from './http-connection.ts';
import type { CallToSend } from './rest-call.ts';

export interface LoadOptions {
  readonly seed: number;
  readonly keys: readonly string[];
  readonly order: EventOrder;
  readonly clients?: number;
  readonly valueBytesMax?: number;
  /** Sends puts only, for a check that finds losses by version: deletes have none. */
  readonly putsOnly?: boolean;
  /** After a request without a reply, a client ends, since its server is dead, or tries again later. */
  readonly withoutReply?: 'end' | 'go on';
  /** Pause between two requests of a client. */
  readonly pauseMs?: number;
}

const batchCallsMax = 8;

export class Load {
  readonly calls: Call[] = [];
  /** Resolves when all clients have ended. Rejects if a client got an answer that no client may get. */
  readonly ended: Promise<void>;
  /** The number of acknowledged changes. */
  acknowledged = 0;
  readonly #options: Required<LoadOptions>;
  readonly #url: string;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #isStopping = false;

  constructor(url: string, options: LoadOptions) {
    const defaults = { clients: 16, valueBytesMax: 1000, putsOnly: false, pauseMs: 0 } as const;
    this.#options = { ...defaults, withoutReply: 'end', ...options };
    this.#url = url;
    const clients = Array.from({ length: this.#options.clients }, (_, client) => this.#run(client));
    this.ended = Promise.all(clients).then(() => undefined);
  }

  /** Resolves once so many changes are acknowledged, or all clients have ended. */
  reached(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    this.#tellReached();
    return Promise.race([reached, this.ended]);
  }

  /** Stops the clients after the replies to their requests in flight. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.ended;
  }

  count(kind: CallOutcome['kind']): number {
    return this.calls.filter(({ outcome }) => outcome.kind === kind).length;
  }

  async #run(client: number): Promise<void> {
    const { seed, order, withoutReply, pauseMs } = this.#options;
    const choose = new CallChooser(client, seededRandom(seed * 1009 + client), this.#options);
    const connection = new HttpConnection(this.#url);
    const caller = { client, connection, order, record: this.calls };
    try {
      while (!this.#isStopping) {
        const { calls, isAnswered } = await carryOut(caller, choose.next());
        choose.learn(calls);
        this.acknowledged += calls.filter(isChange).length;
        this.#tellReached();
        if (!isAnswered && withoutReply === 'end') return;
        if (!isAnswered || pauseMs > 0) await delay(isAnswered ? pauseMs : 20);
      }
    } finally {
      connection.close();
    }
  }

  #tellReached(): void {
    for (const { count, resolve } of this.#waiting) if (this.acknowledged >= count) resolve();
  }
}

/** Chooses the next calls of one client, by its seed and by the versions that it has seen. */
class CallChooser {
  readonly #client: number;
  readonly #random: () => number;
  readonly #options: Required<LoadOptions>;
  readonly #versions = new Map<string, number | 'absent'>();
  #puts = 0;

  constructor(client: number, random: () => number, options: Required<LoadOptions>) {
    this.#client = client;
    this.#random = random;
    this.#options = options;
  }

  next(): CallToSend[] {
    if (this.#random() >= 0.15) return [this.#call(this.#key())];
    const keys = new Set(
      Array.from({ length: 2 + this.#below(batchCallsMax - 1) }, () => this.#key()),
    );
    return [...keys].map((key) => this.#call(key));
  }

  learn(calls: readonly Call[]): void {
    for (const { key, outcome } of calls) {
      if (outcome.kind === 'written') this.#versions.set(key, outcome.version);
      if (outcome.kind === 'read') this.#versions.set(key, outcome.content?.version ?? 'absent');
      if (outcome.kind === 'deleted' || outcome.kind === 'missing')
        this.#versions.set(key, 'absent');
    }
  }

  #call(key: string): CallToSend {
    const dice = this.#options.putsOnly ? 0 : this.#random();
    if (dice < 0.45) return { key, op: 'put', value: this.#value() };
    if (dice < 0.7) return { key, op: 'get' };
    if (dice < 0.8) return { key, op: 'delete' };
    const condition = this.#versions.get(key) ?? 'absent';
    if (dice < 0.95 || condition === 'absent') {
      return { key, op: 'put', value: this.#value(), condition };
    }
    return { key, op: 'delete', condition };
  }

  #value(): string {
    this.#puts += 1;
    const { seed, valueBytesMax } = this.#options;
    const filling = 'x'.repeat(this.#below(valueBytesMax));
    return `${seed}-${this.#client}-${this.#puts}-${filling}`;
  }

  #key(): string {
    return this.#options.keys[this.#below(this.#options.keys.length)] ?? '';
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}
