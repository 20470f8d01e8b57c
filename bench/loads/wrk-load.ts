// The load of wrk, of Debian's package of that name: one thread, pinned to a core.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Belongings } from '../measuring/belongings.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { Load, RoundFigures, RoundPlan } from './load.ts';
import { requestTextsFile } from './request-texts.ts';
import { readWrkOutput } from './wrk-output.ts';
import { wrkScript } from './wrk-script.ts';

/** A reply that takes longer counts as failed. */
const timeoutSeconds = 10;

/** @returns the version of wrk; undefined if it is not installed */
export function wrkVersion(): string | undefined {
  const { error, stdout } = spawnSync('wrk', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return /^wrk (?:debian\/)?(\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
}

/** Replies that hold values are as long as a value at least. */
function leastReplyBytes({ templates, conditions }: RoundPlan): number {
  const holdValues = templates.every(({ template }) => template.returnsValue === true);
  return holdValues ? conditions.valueBytes : 0;
}

export class WrkLoad implements Load {
  readonly name: string;
  readonly #belongings: Belongings;
  readonly #folder: string;
  readonly #cores: string | undefined;

  /**
   * @param folder for scripts and requests
   * @param cores to run on, as taskset names them
   */
  constructor(version: string, belongings: Belongings, folder: string, cores: string | undefined) {
    this.name = `wrk ${version}, one thread`;
    this.#belongings = belongings;
    this.#folder = folder;
    this.#cores = cores;
  }

  async round(plan: RoundPlan): Promise<RoundFigures> {
    const script = join(this.#folder, 'round.lua');
    const texts = join(this.#folder, 'requests');
    await writeFile(texts, requestTextsFile(plan), { mode: 0o600 });
    await writeFile(script, wrkScript(plan, texts), { mode: 0o600 });
    const flags = ['-t1', `-c${plan.conditions.connections}`, `-d${plan.seconds}s`];
    const command = ['wrk', ...flags, '--timeout', `${timeoutSeconds}s`, '-s', script, plan.url];
    const output = await this.#belongings.run(pinned(this.#cores, command));
    return readWrkOutput(output, leastReplyBytes(plan));
  }
}
