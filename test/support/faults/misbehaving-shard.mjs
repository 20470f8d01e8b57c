// A shard's thread that goes wrong on certain keys, as a bug or a lack of memory might make it do.
// Otherwise the tasks of the program's own entry point.
import { getHeapStatistics } from 'node:v8';
import { systemClock } from '../../../dist/src/base/clock.js';
import { decodeBatch } from '../../../dist/src/protocol/batch-frame.js';
import { answerBatches } from '../../../dist/src/protocol/batch-port.js';
import { memoryLimitsOf } from '../../../dist/src/shard/table/memory-limits.js';
import { shardTasks } from '../../../dist/src/shard/tasks/shard-tasks.js';
import { nodeFileSystem } from '../../../dist/src/storage/node-file-system.js';

const tasks = shardTasks({
  fileSystem: nodeFileSystem,
  clock: systemClock,
  memory: memoryLimitsOf(getHeapStatistics().heap_size_limit),
});

export const { open, start, sync, beginCompaction, installSnapshot, cut, mend, stop } = tasks;

const misdeeds = {
  throw: () => {
    throw new Error('thrown on purpose');
  },
  exit: () => process.exit(3),
  'run out of memory': () => {
    const hoard = [];
    for (;;) hoard.push(Array.from({ length: 100_000 }, () => ({})));
  },
  hang: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  spin: () => {
    for (;;);
  },
  'throw later': () => {
    setTimeout(() => {
      throw new Error('thrown on purpose, later');
    }, 1);
  },
};

/** The put of a key `misdeed: throw …` does it before its batch, `misdeed: throw, written …` after. */
function misdeedIn(frame) {
  for (const { op, key = '' } of decodeBatch(frame.slice()).operations) {
    if (op !== 'put') continue;
    const [, name, written] = /^misdeed: ([a-z ]+?)(, written)? \d+$/.exec(key) ?? [];
    if (name !== undefined) return { misbehave: misdeeds[name], isWritten: written !== undefined };
  }
  return undefined;
}

function batch(frame) {
  const misdeed = misdeedIn(frame);
  if (misdeed?.isWritten === false) misdeed.misbehave();
  const answer = tasks.batch(frame);
  if (misdeed?.isWritten === true) misdeed.misbehave();
  return answer;
}

export function attach(port) {
  return answerBatches(port, batch);
}
