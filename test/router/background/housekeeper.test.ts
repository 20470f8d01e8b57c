import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../../src/base/clock.ts';
import { sweepStepMax } from '../../../src/base/limits.ts';
import { CompactionScheduler } from '../../../src/router/background/compaction-scheduler.ts';
import { Housekeeper } from '../../../src/router/background/housekeeper.ts';
import { Sequencer } from '../../../src/router/sequencer.ts';
import { SimulatedClient } from '../../support/simulated/simulated-client.ts';
import { put } from '../../support/stores/operations.ts';

let simulated: SimulatedClient;
let housekeeper: Housekeeper;

beforeEach(async () => {
  simulated = await SimulatedClient.start();
  const { client, clock } = simulated;
  const monotonicMs = (): number => clock.monotonicMs();
  const compactions = new CompactionScheduler([], {
    compactJournalBytes: 1,
    monotonicMs,
    newThread: () => {
      throw new Error('nothing is compacted here');
    },
    onFailure: () => {},
  });
  const sequencer = new Sequencer([client], new TimestampClock(clock));
  const idle = { tick: () => {} };
  housekeeper = new Housekeeper(
    { shards: [client], sequencer, compactions, backups: idle, turns: idle },
    { fsync: 'always', fsyncIntervalMs: 1000, timestamp: () => clock.wallMs(), monotonicMs },
  );
});

function journalLines(): string[] {
  const journal = simulated.files.read('/data/shard-0000/journal-000001.ndjson').toString();
  return journal.trimEnd().split('\n');
}

async function tick(): Promise<void> {
  housekeeper.tick();
  await simulated.settle();
}

describe('expired entries', () => {
  test('are removed step by step, and the journal records it', async () => {
    const count = sweepStepMax + 100;
    for (let index = 0; index < count; index++) {
      await simulated.ask(put(`k${index}`, 'x', { ttlMs: 1000 }));
    }
    await simulated.ask(put('stays', 'x'));
    simulated.clock.advance(999);
    await tick();
    expect(simulated.client.status.entries).toBe(count + 1);
    simulated.clock.advance(1);
    await tick();
    expect(simulated.client.status.entries).toBe(1);
    const removals = journalLines()
      .slice(-2)
      .map((line) => line.split('"op":"delete"').length - 1);
    expect(removals).toEqual([sweepStepMax, 100]);
    const lines = journalLines().length;
    await tick();
    expect(journalLines()).toHaveLength(lines);
  });

  test('that were put again stay', async () => {
    await simulated.ask(put('a', '1', { ttlMs: 1000 }));
    simulated.clock.advance(1000);
    simulated.thread.isHeld = true;
    const again = simulated.ask(put('a', '2'));
    housekeeper.tick();
    await simulated.settle();
    simulated.thread.release();
    await again;
    await simulated.settle();
    expect(simulated.client.status.entries).toBe(1);
  });
});

describe('a shard that has gone idle', () => {
  test('gets one mark, after a while, and none again until something changes', async () => {
    await simulated.ask(put('a', '1'));
    await tick();
    expect(journalLines().at(-1)).not.toContain('mark');
    simulated.clock.advance(1000);
    await tick();
    expect(journalLines().at(-1)).toContain('"mark":"idle"');
    const lines = journalLines().length;
    simulated.clock.advance(5000);
    await tick();
    expect(journalLines()).toHaveLength(lines);
  });
});
