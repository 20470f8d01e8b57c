import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerBatches, BatchPort } from '../../src/protocol/batch-port.ts';
import type { BatchAnswer } from '../../src/protocol/shard-task.ts';

type Frame = Uint8Array<ArrayBuffer>;

const frameOf = (text: string): Frame => new Uint8Array(Buffer.from(text));
const textOf = (frame: Uint8Array): string => Buffer.from(frame).toString();
const textOfAnswer = ({ frame }: BatchAnswer): string => textOf(frame);
const noNews = { begin: undefined, pieces: [], namespaces: [] };

let port: BatchPort;
let received: string[];
let attached: Promise<void>;

/** Answers with the batch in capitals; `fail` throws, and `news` has some. */
function answer(frame: Frame): BatchAnswer {
  const text = textOf(frame);
  received.push(text);
  if (text === 'fail') throw new TypeError('on purpose');
  return { frame: frameOf(text.toUpperCase()), news: text === 'news' ? noNews : undefined };
}

beforeEach(() => {
  const { port1, port2 } = new MessageChannel();
  received = [];
  port = new BatchPort(port1);
  attached = answerBatches(port2, answer);
});
afterEach(() => port.end(new Error('the test is over')));

test('batches are answered in the order in which they were sent', async () => {
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => port.send(frameOf(text))));
  expect(answers.map(textOfAnswer)).toEqual(['A', 'B', 'C']);
  expect(received).toEqual(['a', 'b', 'c']);
});

test('news come with the answer that has them, and with no other', async () => {
  const answers = await Promise.all(['a', 'news', 'b'].map((text) => port.send(frameOf(text))));
  expect(answers.map(textOfAnswer)).toEqual(['A', 'NEWS', 'B']);
  expect(answers.map(({ news }) => news)).toEqual([undefined, noNews, undefined]);
});

test('a frame is moved, and its sender cannot use it any more', async () => {
  const frame = frameOf('a');
  const answered = port.send(frame);
  expect(frame.byteLength).toBe(0);
  expect(textOfAnswer(await answered)).toBe('A');
});

test('work that throws rejects its own batch with that error, and later ones are answered', async () => {
  const failed = port.send(frameOf('fail'));
  const next = port.send(frameOf('b'));
  await expect(failed).rejects.toThrow(TypeError);
  await expect(failed).rejects.toThrow('on purpose');
  expect(textOfAnswer(await next)).toBe('B');
});

describe('the end of a port', () => {
  const death = new Error('the thread died');

  test('rejects the batches that wait, tells how many, and ends the other side', async () => {
    const sent = [port.send(frameOf('a')), port.send(frameOf('b'))];
    expect(port.end(death)).toBe(2);
    await expect(Promise.allSettled(sent)).resolves.toMatchObject([
      { status: 'rejected', reason: death },
      { status: 'rejected', reason: death },
    ]);
    await expect(attached).resolves.toBeUndefined();
  });

  test('rejects later batches, with the error of the first end', async () => {
    expect(port.end(death)).toBe(0);
    expect(port.end(new Error('later'))).toBe(0);
    await expect(port.send(frameOf('a'))).rejects.toBe(death);
    expect(received).toEqual([]);
  });
});
