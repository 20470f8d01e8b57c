// All that a run has started ends with it: after success, failure, a cut, and in nested runs.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Belongings, withBelongings } from '../../../bench/measuring/belongings.ts';
import { isRunning } from '../../support/processes/server-process.ts';

const minute = 60_000;
const idle = [process.execPath, '-e', 'setInterval(() => undefined, 1000)'];

test('the last one ends first, and one that fails does not keep the others', async () => {
  const belongings = new Belongings();
  const ended: string[] = [];
  const end = (name: string) => async () => void ended.push(name);
  belongings.add(end('first'));
  belongings.add(() => Promise.reject(new Error('does not end')));
  belongings.add(end('last'));
  await expect(belongings.end()).rejects.toThrow('does not end');
  expect(ended).toEqual(['last', 'first']);
});

test('an addition after the end is ended at once, and refused', async () => {
  const belongings = new Belongings();
  await belongings.end();
  let hasEnded = false;
  expect(() => belongings.add(async () => void (hasEnded = true))).toThrow('the run has ended');
  expect(hasEnded).toBe(true);
});

test('a failed run leaves no process and no folder', async () => {
  let [pid, folder] = [0, ''];
  const run = withBelongings(minute, async (belongings) => {
    folder = await belongings.folder();
    pid = belongings.start(idle).pid;
    throw new Error('broken');
  });
  await expect(run).rejects.toThrow('broken');
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

test('a run that takes too long is cut, with the programs that it waits for', async () => {
  const run = withBelongings(50, (belongings) => belongings.run(idle));
  await expect(run).rejects.toThrow('not done after 50 ms');
});

test('the end of a run ends the runs in it', async () => {
  let pid = 0;
  const never = new Promise<never>(() => undefined);
  const run = withBelongings(50, (outer) =>
    withBelongings(
      minute,
      (inner) => {
        pid = inner.start(idle).pid;
        return never;
      },
      outer,
    ),
  );
  await expect(run).rejects.toThrow('not done after 50 ms');
  expect(isRunning(pid)).toBe(false);
});

test('a program that fails is told with its output', async () => {
  const fails = [process.execPath, '-e', 'console.error("no disk"); process.exit(3)'];
  const run = withBelongings(minute, (belongings) => belongings.run(fails));
  await expect(run).rejects.toThrow(/ended with 3\nno disk/);
});
