// Writes a history down while it happens. A client that is told something first must say so first: the
// order of the recorder's calls is the order of the events.
import type { Call, CallOutcome, RecordedCall } from './recorded-call.ts';

interface Pending {
  readonly step: number | undefined;
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  readonly invoked: number;
  returned: number;
  outcome: CallOutcome;
}

/** One call that has been sent. What is never answered stays unknown. */
export interface SentCall {
  answer(outcome: CallOutcome): void;
}

export interface SentAs {
  /** As a part of this step. */
  readonly step?: number | undefined;
  /** A position since which it is under way, though what it asks is said only now. */
  readonly since?: number | undefined;
}

export class HistoryRecorder {
  readonly #calls: Pending[] = [];
  #position = 0;
  #steps = 0;

  /** Where the next event will stand. */
  get position(): number {
    return this.#position;
  }

  /** Something is under way from here on, whatever it will turn out to ask. */
  begin(): number {
    return this.#position++;
  }

  /** Another step, whose calls are one moment. */
  newStep(): number {
    return this.#steps++;
  }

  /** To be called before anything is sent. */
  send(client: string, key: string, call: Call, { step, since }: SentAs = {}): SentCall {
    const pending: Pending = {
      step,
      client,
      key,
      call,
      invoked: since ?? this.#position++,
      returned: Infinity,
      outcome: { kind: 'unknown' },
    };
    this.#calls.push(pending);
    return {
      answer: (outcome) => {
        if (pending.returned !== Infinity) throw new Error('a call is answered once');
        pending.returned = this.#position++;
        pending.outcome = outcome;
      },
    };
  }

  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }
}
