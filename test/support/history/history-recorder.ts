// Records a history while it happens. A client must record an answer before it acts on it. The
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

/** One call that has been sent. Without an answer, its outcome stays unknown. */
export interface SentCall {
  answer(outcome: CallOutcome): void;
}

export interface SentAs {
  /** The step to which the call belongs. */
  readonly step?: number | undefined;
  /** The position at which the call began, if its content is recorded only now. */
  readonly since?: number | undefined;
}

export class HistoryRecorder {
  readonly #calls: Pending[] = [];
  #position = 0;
  #steps = 0;

  /** The position of the next event. */
  get position(): number {
    return this.#position;
  }

  /**
   * Begins a call whose content is not known yet.
   *
   * @returns its position
   */
  begin(): number {
    return this.#position++;
  }

  /** Begins another step. Calls of one step belong to one moment. */
  newStep(): number {
    return this.#steps++;
  }

  /** Call this before anything is sent. */
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
