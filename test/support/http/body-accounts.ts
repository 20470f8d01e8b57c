// Bodies as the budget sees them, without sockets. The test decides which bytes arrive, and sees
// the budget's calls.
import { BodyAccount } from '../../../src/http/body/body-account.ts';
import type { BodyBudget } from '../../../src/http/body/body-budget.ts';

export class TestBody extends BodyAccount {
  readonly size: number;
  readonly #budget: BodyBudget;
  readonly #isAnnounced: boolean;
  received = 0;
  state: 'arriving' | 'whole' | 'ended' | 'answered' = 'arriving';
  pauses = 0;

  constructor(budget: BodyBudget, size: number, { announced = true } = {}) {
    super();
    this.#budget = budget;
    this.size = size;
    this.#isAnnounced = announced;
  }

  get waits(): boolean {
    return this.owed > 0;
  }

  override get bytesToCome(): number | undefined {
    return this.#isAnnounced ? this.size - this.received : undefined;
  }

  /** The client sends more bytes. The server reads none of them while the body waits. */
  arrive(bytes: number): this {
    if (this.state !== 'arriving' || this.waits) return this;
    const chunk = Math.min(bytes, this.size - this.received);
    this.received += chunk;
    this.gained += chunk;
    this.isComplete = this.received === this.size;
    this.#budget.take(this, chunk);
    this.#finishIfWhole();
    return this;
  }

  /** The server answers the request. */
  answer(): void {
    if (this.state !== 'whole') return;
    this.state = 'answered';
    this.#budget.release(this.size);
  }

  /** The connection is lost. */
  abort(): void {
    if (this.state === 'arriving') this.end();
  }

  override pause(): void {
    this.pauses += 1;
  }

  override proceed(): void {
    this.#finishIfWhole();
  }

  override end(): void {
    this.state = 'ended';
    this.#budget.leave(this);
  }

  #finishIfWhole(): void {
    if (!this.isComplete || this.waits) return;
    this.state = 'whole';
    this.#budget.complete(this, this.size);
  }
}
