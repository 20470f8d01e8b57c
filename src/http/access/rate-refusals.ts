// Counts the requests that were refused because their caller had had all that a rate allows.
import { rateNames, type RateName } from '../../access/caller-rates.ts';

export class RateRefusals {
  readonly #counts = new Map<RateName, number>(rateNames.map((rate) => [rate, 0]));

  count(rate: RateName): number {
    return this.#counts.get(rate) ?? 0;
  }

  readonly note = (rate: RateName): void => {
    this.#counts.set(rate, this.count(rate) + 1);
  };
}
