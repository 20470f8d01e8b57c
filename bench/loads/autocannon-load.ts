// The load of autocannon, for machines without wrk. It makes fewer requests a second than wrk, and so
// hides differences between fast servers. The report names it.
import { join } from 'node:path';
import type { Belongings } from '../measuring/belongings.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { Load, RoundFigures, RoundPlan } from './load.ts';

export class AutocannonLoad implements Load {
  readonly name = 'autocannon, since wrk is missing';
  readonly #belongings: Belongings;
  readonly #cores: string | undefined;

  /** @param cores to run on, as taskset names them */
  constructor(belongings: Belongings, cores: string | undefined) {
    this.#belongings = belongings;
    this.#cores = cores;
  }

  async round(plan: RoundPlan): Promise<RoundFigures> {
    const program = join(import.meta.dirname, 'autocannon-round.js');
    const command = [process.execPath, program, JSON.stringify(plan)];
    const figures: RoundFigures = JSON.parse(
      await this.#belongings.run(pinned(this.#cores, command)),
    );
    return figures;
  }
}
