// Writes a history down while it happens. Whoever is told something first must say so first: the
// order of the recorder's calls is the order of the events.
import type { Call, CallOutcome, RecordedCall } from './recorded-call.ts';

interface Pending {
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

export class HistoryRecorder {
  readonly #calls: Pending[] = [];
  #position = 0;

  /** To be called before anything is sent. */
  send(client: string, key: string, call: Call): SentCall {
    const pending: Pending = {
      client,
      key,
      call,
      invoked: this.#position++,
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
