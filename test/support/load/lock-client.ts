// One client of locks, with the faults of real ones: it gives up while it waits, dies while it holds, sleeps
// past its deadline and goes on. Each lock guards a counter in the same store, behind the fence. Knows no test
// runner.
import { setTimeout as delay } from 'node:timers/promises';
import { pickFrom, randomBelow, type Random } from '../random.ts';
import {
  HttpConnection,
  NoReplyError,
  type HttpReply,
  type HttpRequest,
} from './http-connection.ts';
import type { HeldLock, LockHistory, SentTaking } from './lock-history.ts';

export interface LockClientOptions {
  readonly name: string;
  readonly locks: readonly string[];
  readonly random: Random;
  readonly history: LockHistory;
  readonly guarded: GuardedCounters;
  /** The server of now; waits while there is none. */
  readonly url: () => Promise<string>;
  readonly isOver: () => boolean;
}

/** The counts behind each lock, as the clients have heard them. */
export class GuardedCounters {
  readonly counted: { readonly lock: string; readonly fence: number; readonly count: number }[] =
    [];
  readonly unknown = new Map<string, number>();
  /** Writes that the store has refused, since a higher fence had been there. */
  refused = 0;

  noteUnknown(lock: string): void {
    this.unknown.set(lock, (this.unknown.get(lock) ?? 0) + 1);
  }
}

interface Answer {
  readonly fence?: number;
  readonly expiresAt?: number;
  readonly code?: string;
  readonly outcome?: string;
}

const answerOf = ({ body }: HttpReply): Answer => (body === '' ? {} : (JSON.parse(body) as Answer));

/** The reply of a server that was killed meanwhile, or stops. */
function isUndone(answer: Answer): boolean {
  return answer.outcome === 'not-applied';
}

export class LockClient {
  readonly #options: LockClientOptions;
  #connection: HttpConnection | undefined;
  #requests = 0;

  constructor(options: LockClientOptions) {
    this.#options = options;
  }

  /** Works until the run is over. Rejects on an answer that no rule allows. */
  async run(): Promise<void> {
    const { locks, random, isOver } = this.#options;
    while (!isOver()) {
      const lock = random() < 0.7 ? (locks[0] ?? '') : pickFrom(random, locks);
      // oxlint-disable-next-line no-await-in-loop -- one thing after the other
      if (random() < 0.1) await this.#look(lock);
      // oxlint-disable-next-line no-await-in-loop
      else await this.#round(lock);
    }
    this.#connection?.close();
  }

  async #round(lock: string): Promise<void> {
    const { random } = this.#options;
    const ttlMs = 100 + randomBelow(random, 400);
    const held = await this.#take(lock, ttlMs);
    if (held === undefined) return;
    await this.#count(held);
    const fate = random();
    if (fate < 0.2) await this.#renew(held, ttlMs);
    if (fate < 0.3) await this.#count(held);
    if (fate > 0.85) {
      // It dies: the lock is held until its deadline.
      this.#hangUp();
      return;
    }
    if (fate > 0.65) {
      await delay(ttlMs + 20);
      await this.#count(held);
    }
    await this.#release(held);
  }

  async #take(lock: string, ttlMs: number): Promise<HeldLock | undefined> {
    const { name, random, history } = this.#options;
    const kind = random();
    const path = `/v1/locks/${lock}?ttl=${ttlMs}ms${kind < 0.25 ? '' : '&wait=2s'}`;
    const key = kind > 0.7 ? { 'idempotency-key': `${name} ${(this.#requests += 1)}` } : undefined;
    const taking = history.take(name, lock);
    const hangsUp = key === undefined && random() < 0.15;
    if (hangsUp) setTimeout(() => this.#hangUp(), random() * 200);
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a repeat comes behind its request
      const reply = await this.#send({ method: 'PUT', path, ...(key && { headers: key }) });
      if (reply !== undefined) {
        const settled = settleTaking(taking, reply);
        if (settled !== 'again') return settled;
      } else if (key === undefined) {
        return undefined;
      }
      // oxlint-disable-next-line no-await-in-loop
      await delay(5);
    }
  }

  /** As the recipe of docs/locks.md has it: claim with the fence, then write behind it. */
  async #count(held: HeldLock): Promise<void> {
    const { guarded } = this.#options;
    const { lock, fence } = held;
    const fenceKey = `fence/${lock}`;
    const seen = await this.#send({ method: 'GET', path: `/v1/keys/${fenceKey}` });
    if (seen === undefined) return;
    if (seen.status === 200 && Number(seen.body) > fence) {
      guarded.refused += 1;
      return;
    }
    const version = /\d+/.exec(seen.headers.etag ?? '')?.[0];
    const check = seen.status === 200 ? { version: Number(version) } : { exists: false };
    const claim = { op: 'put', key: fenceKey, value: String(fence) };
    const claimed = await this.#transact([{ key: fenceKey, ...check }], [claim]);
    if (claimed !== 200) return;
    const reply = await this.#send(
      transaction(
        [{ key: fenceKey, value: String(fence) }],
        [{ op: 'increment', key: `count/${lock}` }],
      ),
    );
    if (reply?.status === 200) {
      const { results } = JSON.parse(reply.body) as { results: readonly { value: string }[] };
      guarded.counted.push({ lock, fence, count: Number(results[0]?.value) });
    } else if (reply?.status === 409) {
      guarded.refused += 1;
    } else if (reply === undefined || !isUndone(answerOf(reply))) {
      guarded.noteUnknown(lock);
    }
  }

  async #renew(held: HeldLock, ttlMs: number): Promise<void> {
    const { name, history } = this.#options;
    const renewal = history.renew(name, held);
    const path = `/v1/locks/${held.lock}?ttl=${ttlMs}ms`;
    const reply = await this.#send({ method: 'PUT', path, headers: fenceHeader(held) });
    if (reply === undefined) return;
    const { expiresAt = 0, ...answer } = answerOf(reply);
    if (reply.status === 200) renewal.done(expiresAt);
    else if (reply.status === 412) renewal.lost();
    else if (isUndone(answer)) renewal.refused();
  }

  async #release(held: HeldLock): Promise<void> {
    const { name, history } = this.#options;
    const release = history.release(name, held);
    const path = `/v1/locks/${held.lock}`;
    const reply = await this.#send({ method: 'DELETE', path, headers: fenceHeader(held) });
    if (reply === undefined) return;
    if (reply.status === 204) release.done();
    else if (reply.status === 412) release.lost();
    else if (isUndone(answerOf(reply))) release.refused();
  }

  async #look(lock: string): Promise<void> {
    const { name, history } = this.#options;
    const look = history.look(name, lock);
    const reply = await this.#send({ method: 'GET', path: `/v1/locks/${lock}` });
    if (reply === undefined) return;
    const { fence, code } = answerOf(reply);
    if (reply.status === 200) look.seen(fence);
    else if (code === 'LOCK_NOT_FOUND') look.seen(undefined);
    else look.refused();
  }

  async #transact(checks: readonly object[], operations: readonly object[]): Promise<number> {
    return (await this.#send(transaction(checks, operations)))?.status ?? 0;
  }

  /** @returns undefined if no whole reply came */
  async #send(request: HttpRequest): Promise<HttpReply | undefined> {
    try {
      this.#connection ??= new HttpConnection(await this.#options.url());
      return await this.#connection.send(request);
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      this.#hangUp();
      await delay(5);
      return undefined;
    }
  }

  #hangUp(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** @returns the lock; undefined if it was not taken; `again` if a repeat of the request may still be */
function settleTaking(taking: SentTaking, reply: HttpReply): HeldLock | undefined | 'again' {
  const { fence, expiresAt, code, outcome } = answerOf(reply);
  if (reply.status === 201 && fence !== undefined && expiresAt !== undefined) {
    return taking.granted(fence, expiresAt);
  }
  if (code === 'IDEMPOTENCY_KEY_IN_FLIGHT') return 'again';
  if (outcome === 'not-applied') taking.refused();
  else if (reply.status < 500)
    throw new Error(`a lock was answered ${reply.status}: ${reply.body}`);
  return undefined;
}

function fenceHeader({ fence }: HeldLock): Record<string, string> {
  return { 'if-match': `"${fence}"` };
}

function transaction(checks: readonly object[], operations: readonly object[]): HttpRequest {
  return { method: 'POST', path: '/v1/transactions', body: JSON.stringify({ checks, operations }) };
}
