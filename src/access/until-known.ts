// Asks again and again, until the answer is known. For outcomes that a shard will tell once it serves
// again.
import { shardRetryMs } from '../base/limits.ts';

/** Waits for so many milliseconds. */
export type Sleep = (ms: number) => Promise<void>;

/** @param look its answer is undefined if it cannot be told now */
export async function untilKnown(
  look: () => Promise<boolean | undefined>,
  sleep: Sleep,
): Promise<boolean> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each look comes behind a wait
    await sleep(shardRetryMs);
    // oxlint-disable-next-line no-await-in-loop
    const answer = await look();
    if (answer !== undefined) return answer;
  }
}
