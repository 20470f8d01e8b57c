// Concurrent clients that put, get and delete some keys of a real server, alone, on conditions and
// in batches, one request at a time each, and record every call with its outcome. Knows no process.
import { seededRandom } from '../random-commands.ts';
import { isChange, type Call, type CallOutcome, type EventOrder } from './call.ts';
import { HttpConnection, NoReplyError } from './http-connection.ts';
import {
  batchRequest,
  outcomeOfSingle,
  outcomesOfBatch,
  singleRequest,
  type CallToSend,
} from './rest-call.ts';

export interface LoadOptions {
  readonly seed: number;
  readonly keys: readonly string[];
  readonly order: EventOrder;
  readonly clients?: number;
  readonly valueBytesMax?: number;
  /** Puts only: for a check of what is lost by version, which deletes do not tell. */
  readonly putsOnly?: boolean;
  /** What a client does that gets no reply: its server is dead, or it tries again a little later. */
  readonly withoutReply?: 'end' | 'go on';
  /** Between two requests of a client. */
  readonly pauseMs?: number;
}

const batchCallsMax = 8;

export class Load {
  readonly calls: Call[] = [];
  /** Resolves when all clients have ended; rejects where one met what no client should. */
  readonly ended: Promise<void>;
  /** Changes that were acknowledged. */
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

  /** Resolves once so many changes were acknowledged, or all clients have ended. */
  reached(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    this.#tellReached();
    return Promise.race([reached, this.ended]);
  }

  /** Lets what is in flight be answered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.ended;
  }

  count(kind: CallOutcome['kind']): number {
    return this.calls.filter(({ outcome }) => outcome.kind === kind).length;
  }

  async #run(client: number): Promise<void> {
    const { seed, withoutReply, pauseMs } = this.#options;
    const random = seededRandom(seed * 1009 + client);
    const choose = new CallChooser(client, random, this.#options);
    const connection = new HttpConnection(this.#url);
    try {
      while (!this.#isStopping) {
        const isAnswered = await this.#call(client, connection, choose);
        if (!isAnswered && withoutReply === 'end') return;
        if (!isAnswered || pauseMs > 0) await pause(isAnswered ? pauseMs : 20);
      }
    } finally {
      connection.close();
    }
  }

  /** False where there was no reply. */
  async #call(client: number, connection: HttpConnection, choose: CallChooser): Promise<boolean> {
    const chosen = choose.next();
    const [only] = chosen;
    const request =
      chosen.length === 1 && only !== undefined ? singleRequest(only) : batchRequest(chosen);
    const from = this.#options.order.next();
    const calls = chosen.map((call): Call => {
      const outcome = { kind: 'unknown', code: 'in flight' } as const;
      return { ...call, client, from, to: Infinity, outcome };
    });
    this.calls.push(...calls);
    try {
      const reply = await connection.send(request);
      const outcomes =
        request.method === 'POST'
          ? outcomesOfBatch(chosen, reply)
          : chosen.map(({ op }) => outcomeOfSingle(op, reply));
      this.#record(calls, outcomes);
      choose.learn(calls);
      return true;
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      const kind = error.wasRefused ? 'not-applied' : 'unknown';
      this.#record(
        calls,
        calls.map(() => ({ kind, code: error.code })),
      );
      return false;
    }
  }

  #record(calls: readonly Call[], outcomes: readonly CallOutcome[]): void {
    const to = this.#options.order.next();
    for (const [index, call] of calls.entries()) {
      call.outcome = outcomes[index] ?? call.outcome;
      if (call.outcome.kind !== 'unknown') call.to = to;
      if (isChange(call)) this.acknowledged += 1;
    }
    this.#tellReached();
  }

  #tellReached(): void {
    for (const { count, resolve } of this.#waiting) if (this.acknowledged >= count) resolve();
  }
}

/** What one client asks next: by its seed, and by the versions that it has seen. */
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
