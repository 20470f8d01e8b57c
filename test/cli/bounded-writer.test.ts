// A standard stream that takes no more lines: the writer keeps some in memory and loses the rest.
import { expect, test } from 'vitest';
import { BoundedWriter } from '../../src/cli/bounded-writer.ts';

/** A stream that the test fills, drains and breaks. */
function newStream({ bytesMax = 100 } = {}) {
  const stream = { text: '', slept: 0, take: (bytes: Uint8Array) => bytes.length };
  const waiting: (() => void)[] = [];
  const told: number[] = [];
  const writer = new BoundedWriter({
    write: (bytes) => {
      const count = stream.take(bytes);
      stream.text += Buffer.from(bytes.subarray(0, count)).toString();
      return count;
    },
    bytesMax,
    later: (work) => waiting.push(work),
    sleep: (ms) => (stream.slept += ms),
  });
  writer.onLossEnded((lines) => {
    told.push(lines);
    writer.write(`${lines} lost\n`);
  });
  return { stream, writer, waiting, told, passTime: () => waiting.shift()?.() };
}

function fails(code: string) {
  return (): number => {
    throw Object.assign(new Error(code), { code });
  };
}

const takesAll = (bytes: Uint8Array): number => bytes.length;

test('text that the stream takes is written at once', () => {
  const { stream, writer, waiting } = newStream();
  writer.write('a\n');
  writer.write('b\n');
  expect(stream.text).toBe('a\nb\n');
  expect([writer.linesLost, waiting.length]).toEqual([0, 0]);
});

test('text that a full pipe does not take is kept in order and written later', () => {
  const { stream, writer, waiting, passTime } = newStream();
  stream.take = fails('EAGAIN');
  for (const line of ['a', 'b', 'c']) writer.write(`${line}\n`);
  expect(waiting).toHaveLength(1);
  passTime();
  expect([stream.text, waiting.length]).toEqual(['', 1]);
  stream.take = takesAll;
  passTime();
  writer.write('d\n');
  expect(stream.text).toBe('a\nb\nc\nd\n');
  expect(writer.linesLost).toBe(0);
});

test('a line that is taken in pieces is written whole', () => {
  const { stream, writer, passTime } = newStream();
  stream.take = () => 1;
  writer.write('abc\n');
  let room = 2;
  stream.take = (bytes) =>
    room > 0 ? ((room -= 1), Math.min(1, bytes.length)) : fails('EAGAIN')();
  writer.write('def\n');
  expect(stream.text).toBe('abc\nde');
  stream.take = takesAll;
  passTime();
  expect(stream.text).toBe('abc\ndef\n');
});

test('beyond the bound the writer loses and counts lines, and reports them once there is room', () => {
  const { stream, writer, told, passTime } = newStream({ bytesMax: 8 });
  stream.take = fails('EAGAIN');
  for (const line of ['a', 'b', 'c', 'd', 'e', 'f']) writer.write(`${line}\n`);
  expect([writer.linesLost, told]).toEqual([2, []]);
  stream.take = takesAll;
  passTime();
  expect(stream.text).toBe('a\nb\nc\nd\n2 lost\n');
  writer.write('g\n');
  expect([stream.text, told]).toEqual(['a\nb\nc\nd\n2 lost\ng\n', [2]]);
});

test.each(['EPIPE', 'ENOSPC', 'EIO', 'EBADF'])('%s loses a line and ends nothing', (code) => {
  const { stream, writer, waiting, told } = newStream();
  stream.take = fails(code);
  writer.write('a\n');
  writer.write('b\nc\n');
  expect([writer.linesLost, waiting.length, told]).toEqual([3, 0, []]);
  stream.take = takesAll;
  writer.write('d\n');
  expect(stream.text).toBe('d\n3 lost\n');
});

test('an error behind half a line does not make the next line part of it', () => {
  const { stream, writer } = newStream();
  let room = 3;
  stream.take = (bytes) => {
    if (room === 0) return fails('ENOSPC')();
    const count = Math.min(room, bytes.length);
    room -= count;
    return count;
  };
  writer.write('abcdef\n');
  writer.write('lost\n');
  stream.take = takesAll;
  writer.write('g\n');
  expect(stream.text).toBe('abc\ng\n2 lost\n');
});

test('the last lines wait for a slow reader, but not for ever, and not after an error', () => {
  const { stream, writer } = newStream();
  stream.take = fails('EAGAIN');
  writer.write('last\n');
  writer.finish(200);
  expect([stream.text, stream.slept]).toEqual(['', 200]);
  stream.take = (bytes) => (stream.slept < 250 ? fails('EAGAIN')() : bytes.length);
  writer.finish(200);
  expect([stream.text, stream.slept]).toEqual(['last\n', 250]);
  stream.take = fails('EPIPE');
  writer.write('gone\n');
  writer.finish(200);
  expect(stream.slept).toBe(250);
});
