import { beforeEach, describe, expect, test } from 'vitest';
import {
  queueBytesMax,
  queueOperationsMax,
  queueWaitForMoreMs,
  queueWaitMaxMs,
  taskMaxMs,
} from '../../../src/base/limits.ts';
import type { ShardOperation, ShardResult } from '../../../src/protocol/shard-operation.ts';
import { failEach, heal, limitWrites } from '../../support/disk/faults.ts';
import { SimulatedClient } from '../../support/simulated/simulated-client.ts';
import { openShard } from '../../support/disk/shard-files.ts';
import { get, put } from '../../support/stores/operations.ts';

let simulated: SimulatedClient;
beforeEach(async () => {
  simulated = await SimulatedClient.start();
});

function refusal(result: ShardResult | undefined): object {
  if (result?.kind !== 'refused') return { kind: result?.kind };
  const { code, outcome, retryable } = result.error;
  return { code, outcome, retryable };
}

/** Gives the thread these operations. It answers nothing until the test releases it. */
async function holdOver(...operations: ShardOperation[]): Promise<Promise<ShardResult>[]> {
  simulated.thread.isHeld = true;
  const answers = operations.map((operation) => simulated.ask(operation));
  await simulated.settle();
  return answers;
}

/** Ends the thread while it has this write. The outcome of the write is then unknown. */
async function dieOver(operation: ShardOperation): Promise<void> {
  const [write] = await holdOver(operation);
  simulated.thread.die();
  expect(refusal(await write)).toMatchObject({ outcome: 'unknown' });
}

describe('batches', () => {
  test('operations of one turn leave as one batch, and those that arrive meanwhile as the next', async () => {
    simulated.thread.isHeld = true;
    const first = [simulated.ask(put('a', '1')), simulated.ask(put('b', '1'))];
    await simulated.settle();
    expect(simulated.thread.inboxLength).toBe(1);
    const second = [simulated.ask(put('c', '1')), simulated.ask(put('d', '1'))];
    await simulated.settle();
    expect(simulated.thread.inboxLength).toBe(1);
    simulated.thread.release();
    await Promise.all([...first, ...second]);
    expect(simulated.client.status.batchOperations).toMatchObject({ count: 2, sum: 4 });
  });

  test('answers come in the order of the queue', async () => {
    const order: number[] = [];
    const asked = Array.from({ length: 3000 }, async (_, index) => {
      await simulated.ask(index % 2 === 0 ? put(`k${index}`, 'x') : get(`k${index - 1}`));
      order.push(index);
    });
    await Promise.all(asked);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(simulated.client.status.batchOperations.count).toBeGreaterThan(2);
  });

  test('a reply that would grow too large is continued in the next batch, in order', async () => {
    const value = Buffer.alloc(6 * 1024 * 1024, 'v');
    await simulated.ask(put('large', value));
    const asked = [
      get('large'),
      get('large'),
      get('large'),
      get('large'),
      put('large', 'small'),
      get('large'),
    ];
    const results = await Promise.all(asked.map((operation) => simulated.ask(operation)));
    const sizes = results.map((result) => (result.kind === 'entry' ? result.size : result.kind));
    const { length } = value;
    expect(sizes).toEqual([length, length, length, length, 'written', 5]);
  });
});

describe('back-pressure', () => {
  test('a queue with its greatest number of operations refuses more at once and loses none', async () => {
    const [first] = await holdOver(put('under way', '1'));
    const queued = Array.from({ length: queueOperationsMax }, (_, index) =>
      simulated.ask(get(`${index}`)),
    );
    expect(refusal(await simulated.ask(put('a', '1')))).toEqual({
      code: 'OVERLOADED',
      outcome: 'not-applied',
      retryable: true,
    });
    simulated.thread.release();
    expect(await first).toMatchObject({ kind: 'written' });
    const results = await Promise.all(queued);
    expect(results.every(({ kind }) => kind === 'missing')).toBe(true);
    expect(await simulated.ask(get('a'))).toEqual({ kind: 'missing' });
  });

  test('a queue with its greatest number of bytes refuses more at once', async () => {
    simulated.thread.isHeld = true;
    const value = Buffer.alloc(queueBytesMax / 2 + 1);
    const taken = simulated.ask(put('a', value));
    expect(refusal(await simulated.ask(put('b', value)))).toMatchObject({ code: 'OVERLOADED' });
    await simulated.client.abandon();
    expect(refusal(await taken)).toMatchObject({ code: 'SHARD_UNAVAILABLE', outcome: 'unknown' });
  });
});

describe('a thread that dies', () => {
  test('fails writes under way as unknown, asks reads again, and loses nothing', async () => {
    await simulated.ask(put('kept', '1'));
    const [write, read] = await holdOver(put('doubt', '1'), get('kept'));
    const queued = simulated.ask(put('queued', '1'));
    simulated.thread.die();
    expect(refusal(await write)).toEqual({
      code: 'SHARD_UNAVAILABLE',
      outcome: 'unknown',
      retryable: true,
    });
    expect(await read).toMatchObject({ kind: 'entry' });
    expect(await queued).toMatchObject({ kind: 'written' });
    expect(simulated.threads).toHaveLength(2);
    expect(simulated.threads[0]?.isDestroyed).toBe(true);
    expect(simulated.epochs).toHaveLength(1);
    expect(simulated.client.status).toMatchObject({ state: 'serving', epoch: 2 });
  });

  test('fails changes and prepares in flight as unknown, and asks reads of a moment again', async () => {
    simulated.thread.isHeld = true;
    const changes = { changes: [], version: 1, validUntil: Infinity };
    const writes = [
      simulated.ask({ op: 'change', ...changes }),
      simulated.ask({ op: 'prepare', transaction: 't', participants: [0, 1], ...changes }),
    ];
    const read = simulated.ask({ op: 'getAt', namespace: 'default', key: 'a', now: 0 });
    await simulated.settle();
    simulated.thread.die();
    for (const write of writes) expect(refusal(await write)).toMatchObject({ outcome: 'unknown' });
    expect(await read).toEqual({ kind: 'missing' });
  });

  test.each(['commit', 'abort', 'forget'] as const)(
    'leaves an outcome in flight to be told again once its shard is open: %s',
    async (op) => {
      simulated.thread.isHeld = true;
      const told = simulated.ask({ op, transaction: 't' });
      await simulated.settle();
      simulated.thread.die();
      expect(await told).toEqual({ kind: 'done' });
      expect(simulated.threads).toHaveLength(2);
    },
  );

  test('over a read a second time refuses it, since it may be why', async () => {
    await simulated.ask(put('kept', '1'));
    simulated.holdNext = true;
    simulated.thread.isHeld = true;
    const read = simulated.ask(get('kept'));
    await simulated.settle();
    simulated.thread.die();
    await simulated.settle();
    // Open and start, one task after the other, until the read is in flight again.
    for (let turn = 0; turn < 4 && simulated.client.status.state !== 'serving'; turn++) {
      simulated.thread.work(1);
      await simulated.settle();
    }
    expect(simulated.thread.inboxLength).toBe(1);
    simulated.holdNext = false;
    simulated.thread.die();
    expect(refusal(await read)).toMatchObject({
      code: 'SHARD_UNAVAILABLE',
      outcome: 'not-applied',
    });
    expect(await simulated.ask(get('kept'))).toMatchObject({ kind: 'entry' });
  });

  test('for lack of memory while it opens its shard names the setting to raise', async () => {
    const opening = new SimulatedClient();
    opening.thread.isHeld = true;
    const opened = opening.client.open();
    const error = Object.assign(new Error('out'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
    opening.thread.die(0, error);
    await expect(opened).rejects.toMatchObject({
      code: 'STORE_MISMATCH',
      message: expect.stringContaining('shardHeapMiB') as string,
    });
  });

  test('that runs out of memory while its shard is reopened is given up at once', async () => {
    simulated.holdNext = true;
    simulated.thread.isHeld = true;
    const write = simulated.ask(put('a', '1'));
    await simulated.settle();
    simulated.thread.die();
    await write;
    await simulated.settle();
    const error = Object.assign(new Error('out'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
    simulated.thread.die(0, error);
    await simulated.settle();
    expect(simulated.client.status).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('shardHeapMiB') as string,
    });
    expect(simulated.threads).toHaveLength(2);
  });

  test('after it wrote but before it answered leaves an unknown outcome, and the write is found', async () => {
    const [write] = await holdOver(put('doubt', '1'));
    simulated.thread.die(1);
    expect(refusal(await write)).toMatchObject({ outcome: 'unknown' });
    expect(await simulated.ask(get('doubt'))).toMatchObject({ kind: 'entry' });
  });

  test('too often within a minute is not replaced again, and the status says why', async () => {
    for (let death = 0; death < 6; death++) {
      const [write] = await holdOver(put('a', '1'));
      simulated.thread.die();
      await write;
      await simulated.settle();
    }
    const { state, reason } = simulated.client.status;
    expect(state).toBe('failed');
    expect(reason).toContain('after 5 restarts in a minute');
    expect(simulated.failures).toHaveLength(1);
    const outcome = { code: 'SHARD_UNAVAILABLE', outcome: 'not-applied', retryable: true };
    expect(refusal(await simulated.ask(get('a')))).toEqual(outcome);
  });

  test('now and then is opened again every time', async () => {
    for (let death = 0; death < 12; death++) {
      simulated.clock.advance(20_000);
      const [write] = await holdOver(put('a', '1'));
      simulated.thread.die();
      await write;
      await simulated.settle();
      expect(simulated.client.isServing).toBe(true);
    }
  });
});

describe('a thread that hangs', () => {
  test('is ended, its writes are unknown, and the shard is opened again', async () => {
    await simulated.ask(put('kept', '1'));
    const [write, read] = await holdOver(put('doubt', '1'), get('kept'));
    await simulated.tick(taskMaxMs - 50);
    expect(simulated.threads).toHaveLength(1);
    await simulated.tick(50);
    expect(refusal(await write)).toMatchObject({ code: 'SHARD_UNAVAILABLE', outcome: 'unknown' });
    expect(simulated.threads).toHaveLength(2);
    expect(simulated.threads[0]?.isDestroyed).toBe(true);
    // The read has waited too long by now, so the router may refuse it.
    expect(['entry', 'refused']).toContain((await read)?.kind);
    expect(await simulated.ask(put('a', '1'))).toMatchObject({ kind: 'written' });
  });

  test('is told from one that answers slowly', async () => {
    for (let round = 0; round < 20; round++) {
      const [write] = await holdOver(put('a', '1'));
      await simulated.tick(taskMaxMs / 3);
      simulated.thread.release();
      expect(await write).toMatchObject({ kind: 'written' });
    }
    expect(simulated.threads).toHaveLength(1);
  });

  test('while its shard is opened again is given up, too', async () => {
    await simulated.ask(put('kept', '1'));
    simulated.holdNext = true;
    await dieOver(put('a', '1'));
    expect(simulated.client.status.state).toBe('opening');
    simulated.holdNext = false;
    await simulated.tick(taskMaxMs + 1000);
    expect(simulated.client.status.state).toBe('serving');
    expect(simulated.threads.map(({ isDestroyed }) => isDestroyed)).toEqual([true, true, false]);
    expect(await simulated.ask(get('kept'))).toMatchObject({ kind: 'entry' });
  });

  test('has the operations behind it refused after the longest wait allowed', async () => {
    const [first] = await holdOver(put('under way', '1'));
    const waiting = [simulated.ask(put('a', '1')), simulated.ask(get('a'))];
    await simulated.tick(queueWaitMaxMs + 50);
    for (const result of await Promise.all(waiting)) {
      expect(refusal(result)).toMatchObject({ code: 'OVERLOADED', outcome: 'not-applied' });
    }
    simulated.thread.release();
    expect(await first).toMatchObject({ kind: 'written' });
  });
});

test('an operation is refused at once if those before it in the queue have waited for long', async () => {
  const [first] = await holdOver(put('under way', '1'));
  const waiting = simulated.ask(put('a', '1'));
  await simulated.tick(queueWaitForMoreMs + 50);
  expect(refusal(await simulated.ask(put('b', '1')))).toEqual({
    code: 'OVERLOADED',
    outcome: 'not-applied',
    retryable: true,
  });
  simulated.thread.release();
  expect(await first).toMatchObject({ kind: 'written' });
  expect(await waiting).toMatchObject({ kind: 'written' });
  expect(await simulated.ask(put('b', '1'))).toMatchObject({ kind: 'written' });
});

describe('a thread that dies during other work', () => {
  test('beside a batch is opened again once, and every read is answered', async () => {
    await simulated.ask(put('kept', '1'));
    for (const first of ['compaction', 'batch']) {
      simulated.thread.isHeld = true;
      const begin = (): Promise<unknown> =>
        simulated.client.beginCompaction().catch((error: unknown) => error);
      const early = first === 'compaction' ? begin() : undefined;
      const reads = [
        simulated.ask(get('kept')),
        simulated.ask({ op: 'count', namespace: 'default', now: 0 }),
      ];
      await simulated.settle();
      const late = first === 'batch' ? begin() : undefined;
      const queued = simulated.ask(put('queued', '1'));
      await simulated.settle();
      simulated.thread.die();
      const [read, count] = await Promise.all(reads);
      expect([first, read?.kind]).toEqual([first, 'entry']);
      expect(refusal(count)).toMatchObject({ code: 'SHARD_UNAVAILABLE', outcome: 'not-applied' });
      expect(await queued).toMatchObject({ kind: 'written' });
      expect(await (early ?? late)).toBeInstanceOf(Error);
    }
    expect(simulated.client.status).toMatchObject({ state: 'serving', epoch: 3 });
  });

  test('with nothing else under way is opened again', async () => {
    simulated.thread.isHeld = true;
    const compaction = simulated.client.beginCompaction();
    simulated.thread.die();
    await expect(compaction).rejects.toThrow('died');
    await simulated.settle();
    expect(await simulated.ask(put('a', '1'))).toMatchObject({ kind: 'written' });
    expect(simulated.threads).toHaveLength(2);
  });

  test('while it closes its shard is not replaced, and waiting operations are refused', async () => {
    simulated.thread.isHeld = true;
    const waiting = [simulated.ask(put('a', '1')), simulated.ask(get('a'))];
    const closed = simulated.client.close();
    await simulated.settle();
    simulated.thread.die();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(['refused', 'refused']);
    simulated.thread.release();
    await expect(closed).rejects.toThrow('started before it serves');
    expect(simulated.threads).toHaveLength(1);
    expect(simulated.thread.isDestroyed).toBe(true);
  });

  test('just before a close is replaced, so that its writes are synced', async () => {
    simulated = await SimulatedClient.start('never');
    await simulated.ask(put('kept', '1'));
    await dieOver(put('a', '1'));
    expect(simulated.client.status.state).toBe('opening');
    const closing = simulated.client.close();
    expect(refusal(await simulated.ask(put('late', '1')))).toMatchObject({ code: 'SHUTTING_DOWN' });
    await closing;
    expect(simulated.threads).toHaveLength(2);
    expect(simulated.threads.every(({ isDestroyed }) => isDestroyed)).toBe(true);
    const left = simulated.files.afterPowerCut(() => 0.9);
    expect(await openShard(left).submit(get('kept'))).toMatchObject({ kind: 'entry' });
  });

  test('and cannot be replaced fails the close, since acknowledged writes may not be synced', async () => {
    simulated = await SimulatedClient.start('never');
    await simulated.ask(put('a', '1'));
    failEach(simulated.files, { call: 'syncFolder' });
    await dieOver(put('a', '2'));
    await simulated.settle();
    expect(simulated.client.status.state).toBe('suspended');
    await expect(simulated.client.close()).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
  });
});

describe('a disk', () => {
  test('that fails to sync makes the outcome unknown and suspends the shard until it works', async () => {
    await simulated.ask(put('a', '1'));
    failEach(simulated.files, { call: 'sync' });
    expect(refusal(await simulated.ask(put('a', '2')))).toMatchObject({ outcome: 'unknown' });
    const suspended = { code: 'SHARD_UNAVAILABLE', outcome: 'not-applied' };
    expect(refusal(await simulated.ask(put('a', '3')))).toMatchObject(suspended);
    expect(simulated.client.status.state).toBe('suspended');
    await simulated.tick(20_000);
    expect(refusal(await simulated.ask(get('a')))).toMatchObject(suspended);
    expect(simulated.client.status.reason).toContain('EIO');
    heal(simulated.files);
    await simulated.tick(2000);
    expect(simulated.client.status).toMatchObject({ state: 'serving', epoch: 1 });
    expect(simulated.suspensions).toHaveLength(2);
    expect(await simulated.ask(get('a'))).toMatchObject({ kind: 'entry', value: Buffer.from('1') });
    expect(await simulated.ask(put('a', '4'))).toMatchObject({ kind: 'written' });
  });

  test('hears the outcomes of transactions in the end, and which of them it may forget', async () => {
    const prepared = { transaction: 't', participants: [0, 1] };
    const put1 = { value: Buffer.from('1'), expiresAt: undefined };
    const changes = [{ namespace: 'default', key: 'a', put: put1 }];
    const about = { ...prepared, changes, version: 1, validUntil: Infinity };
    expect(await simulated.ask({ op: 'prepare', ...about })).toEqual({ kind: 'done' });
    failEach(simulated.files, { call: 'sync' });
    expect(refusal(await simulated.ask(put('b', '1')))).toMatchObject({ outcome: 'unknown' });
    const committed = simulated.ask({ op: 'commit', transaction: 't' });
    await simulated.tick(20_000);
    expect(simulated.client.status.state).toBe('suspended');
    heal(simulated.files);
    await simulated.tick(2000);
    expect(await committed).toEqual({ kind: 'done' });
    expect(await simulated.ask(get('a'))).toMatchObject({ kind: 'entry', value: Buffer.from('1') });
    failEach(simulated.files, { call: 'sync' });
    expect(refusal(await simulated.ask(put('b', '2')))).toMatchObject({ outcome: 'unknown' });
    const forgotten = simulated.ask({ op: 'forget', transaction: 't' });
    heal(simulated.files);
    await simulated.tick(2000);
    expect(await forgotten).toEqual({ kind: 'done' });
    await simulated.client.beginCompaction();
    const journals = simulated.files.list('/data/shard-0000').filter((one) => /journal/.test(one));
    const last = simulated.files.read(`/data/shard-0000/${journals.at(-1)}`).toString();
    expect(last.trimEnd()).not.toContain('"op":"commit"');
  });

  test('that still fails to sync does not keep the store from closing', async () => {
    await simulated.ask(put('a', '1'));
    failEach(simulated.files, { call: 'sync' });
    await simulated.ask(put('a', '2'));
    await simulated.client.close();
    expect(simulated.thread.isDestroyed).toBe(true);
  });

  test('that cannot be opened for a while is tried again and again', async () => {
    await simulated.ask(put('a', '1'));
    const [write] = await holdOver(put('b', '1'));
    failEach(simulated.files, { call: 'syncFolder' });
    simulated.thread.die();
    await write;
    await simulated.tick(30_000);
    expect(simulated.client.status.state).toBe('suspended');
    heal(simulated.files);
    await simulated.tick(2000);
    expect(await simulated.ask(get('a'))).toMatchObject({ kind: 'entry' });
  });

  test('that is full refuses puts, answers reads, lets small deletes through, and recovers', async () => {
    await simulated.ask(put('a', 'x'.repeat(1000)));
    limitWrites(simulated.files, 300);
    const put2 = simulated.ask(put('b', 'x'.repeat(1000)));
    const read = simulated.ask(get('a'));
    expect(refusal(await put2)).toMatchObject({ code: 'DISK_FULL', outcome: 'not-applied' });
    expect(await read).toMatchObject({ kind: 'entry', size: 1000 });
    limitWrites(simulated.files, 300);
    const [removed, refused] = await Promise.all([
      simulated.ask({ op: 'delete', namespace: 'default', key: 'a' }),
      simulated.ask(put('c', 'x'.repeat(1000))),
    ]);
    expect(refusal(refused)).toMatchObject({ code: 'DISK_FULL' });
    expect(removed.kind === 'deleted' || removed.kind === 'refused').toBe(true);
    heal(simulated.files);
    expect(await simulated.ask(put('b', '1'))).toMatchObject({ kind: 'written' });
    expect(simulated.client.status.state).toBe('serving');
  });
});

describe('closing', () => {
  test('answers queued operations, leaves a mark, and refuses later ones', async () => {
    simulated.thread.isHeld = true;
    const queued = [simulated.ask(put('a', '1')), simulated.ask(get('a'))];
    const closed = simulated.client.close();
    expect(refusal(await simulated.ask(get('a')))).toMatchObject({ code: 'SHUTTING_DOWN' });
    simulated.thread.isHeld = false;
    await simulated.settle();
    simulated.thread.work();
    expect((await Promise.all(queued)).map(({ kind }) => kind)).toEqual(['written', 'entry']);
    await closed;
    const journal = simulated.files.read('/data/shard-0000/journal-000001.ndjson').toString();
    expect(journal.trimEnd().split('\n').at(-1)).toContain('"mark":"stop"');
  });
});
