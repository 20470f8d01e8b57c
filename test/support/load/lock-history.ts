// The calls of clients of locks as histories that the checker of keys judges: a lock is a key whose version
// is the fence. Taking is a put on the condition that there is no entry, a release is a delete with the
// fence, and a renewal is a sight. Expiry is a call of no client, from the deadline on. Judges beside that
// what the checker does not know: fences grow over all locks, and no lock is lost early.
import { checkLinearizability } from '../history/check-linearizability.ts';
import { HistoryRecorder, type SentCall } from '../history/history-recorder.ts';
import type { RecordedCall } from '../history/recorded-call.ts';

/** The server's clock counts whole milliseconds, and may be behind ours by one of them. */
const clockMs = 1;

/** One grant that a client has heard of. */
export interface HeldLock {
  readonly lock: string;
  readonly fence: number;
  /** By the last answer that the client has got. */
  expiresAt: number;
  /** True once the client has asked for its release. */
  isGivenUp: boolean;
}

interface Taking {
  readonly id: string;
  readonly lock: string;
  readonly invoked: number;
  /** Position and time; infinite if there was no answer. */
  returned: number;
  held: HeldLock | undefined;
  isNotApplied: boolean;
}

export interface SentTaking {
  granted(fence: number, expiresAt: number): HeldLock;
  refused(): void;
}

export class LockHistory {
  readonly #recorder = new HistoryRecorder();
  readonly #takings: Taking[] = [];
  readonly #lostEarly: string[] = [];
  /** The time of each position. */
  readonly #times: { readonly position: number; readonly atMs: number }[] = [];

  get grants(): number {
    return this.#takings.filter(({ held }) => held !== undefined).length;
  }

  get unknown(): number {
    return this.#takings.filter(({ held, isNotApplied }) => held === undefined && !isNotApplied)
      .length;
  }

  /** Call this before anything is sent. A repeat with the same Idempotency-Key is the same call. */
  take(client: string, lock: string): SentTaking {
    const id = `take ${this.#takings.length}`;
    const sent = this.#send(client, lock, { op: 'put', value: id, ifNoneMatch: '*' });
    const invoked = this.#latest;
    const taking: Taking = {
      id,
      lock,
      invoked,
      returned: Infinity,
      held: undefined,
      isNotApplied: false,
    };
    this.#takings.push(taking);
    return {
      granted: (fence, expiresAt) => {
        sent.answer({ kind: 'written', version: fence, created: true });
        taking.returned = this.#latest;
        taking.held = { lock, fence, expiresAt, isGivenUp: false };
        return taking.held;
      },
      refused: () => {
        sent.answer({ kind: 'not-applied' });
        taking.isNotApplied = true;
      },
    };
  }

  release(client: string, held: HeldLock): { done(): void; lost(): void; refused(): void } {
    const { lock, fence } = held;
    const sent = this.#send(client, lock, { op: 'delete', ifMatch: [fence] });
    const wasGivenUp = held.isGivenUp;
    held.isGivenUp = true;
    return {
      done: () => sent.answer({ kind: 'deleted' }),
      lost: () => {
        sent.answer({ kind: 'not-applied' });
        if (!wasGivenUp) this.#noteLoss(held);
      },
      refused: () => sent.answer({ kind: 'not-applied' }),
    };
  }

  /** Only with the time to live of the grant: so no renewal makes a deadline earlier. */
  renew(
    client: string,
    held: HeldLock,
  ): { done(expiresAt: number): void; lost(): void; refused(): void } {
    const sent = this.#send(client, held.lock, { op: 'get' });
    return {
      done: (expiresAt) => {
        sent.answer({ kind: 'found', version: held.fence, value: undefined });
        held.expiresAt = expiresAt;
      },
      lost: () => {
        sent.answer({ kind: 'not-applied' });
        this.#noteLoss(held);
      },
      refused: () => sent.answer({ kind: 'not-applied' }),
    };
  }

  look(client: string, lock: string): { seen(fence: number | undefined): void; refused(): void } {
    const sent = this.#send(client, lock, { op: 'get' });
    return {
      seen: (fence) =>
        sent.answer(
          fence === undefined
            ? { kind: 'missing' }
            : { kind: 'found', version: fence, value: undefined },
        ),
      refused: () => sent.answer({ kind: 'not-applied' }),
    };
  }

  /** @returns each fault in words; empty if there is none */
  violations(): string[] {
    const calls = [...this.#recorder.calls, ...this.#expiries()];
    const violation = checkLinearizability(calls);
    const ofOrder = violation === undefined ? [] : [violation.explanation];
    return [...ofOrder, ...this.#wrongFences(), ...this.#lostEarly];
  }

  /** The position of the latest event. */
  get #latest(): number {
    return this.#recorder.position - 1;
  }

  #send(client: string, lock: string, call: RecordedCall['call']): SentCall {
    const sent = this.#recorder.send(client, lock, call);
    this.#noteTime();
    return {
      answer: (outcome) => {
        sent.answer(outcome);
        this.#noteTime();
      },
    };
  }

  #noteTime(): void {
    this.#times.push({ position: this.#latest, atMs: Date.now() });
  }

  /** A lock may be gone from its deadline on. One of which no client has heard may be given back at once. */
  #expiries(): RecordedCall[] {
    return this.#takings
      .filter(({ isNotApplied }) => !isNotApplied)
      .map(({ id, lock, invoked, held }) => ({
        client: 'deadline',
        key: lock,
        call: { op: 'expire', value: id },
        invoked: held === undefined ? invoked : this.#positionAt(held.expiresAt - clockMs),
        returned: Infinity,
        outcome: { kind: 'unknown' },
      }));
  }

  /** Between the last event before the time and the first one after it. */
  #positionAt(atMs: number): number {
    const after = this.#times.find((event) => event.atMs >= atMs);
    return (after?.position ?? this.#recorder.position) - 0.5;
  }

  #noteLoss({ lock, fence, expiresAt, isGivenUp }: HeldLock): void {
    const earlyMs = expiresAt - clockMs - Date.now();
    if (earlyMs > 0 && !isGivenUp) {
      this.#lostEarly.push(
        `${lock} with fence ${fence} was lost ${earlyMs} ms before its deadline`,
      );
    }
  }

  /** A grant that was answered before another one was asked for has the lower fence, and none comes twice. */
  #wrongFences(): string[] {
    const known = this.#takings.flatMap(({ held, ...times }) =>
      held === undefined ? [] : [{ ...times, ...held }],
    );
    const wrong: string[] = [];
    const seen = new Set<number>();
    for (const { fence } of known) {
      if (seen.has(fence)) wrong.push(`the fence ${fence} was given twice`);
      seen.add(fence);
    }
    const byEnd = known.toSorted((a, b) => a.returned - b.returned);
    let highest = -Infinity;
    let ended = 0;
    for (const grant of known.toSorted((a, b) => a.invoked - b.invoked)) {
      for (; (byEnd[ended]?.returned ?? Infinity) < grant.invoked; ended++) {
        highest = Math.max(highest, byEnd[ended]?.fence ?? -Infinity);
      }
      if (grant.fence <= highest) {
        wrong.push(`${grant.lock} got the fence ${grant.fence} after ${highest} was given`);
      }
    }
    return wrong;
  }
}
