// The bytes of a write arrive as they were, in pieces that each wait for the one before.
import type { TLSSocket } from 'node:tls';
import { Duplex } from 'node:stream';
import * as fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { pieceBytesMax, writeInPieces } from '../../../src/http/tls/write-in-pieces.ts';

interface Part {
  readonly chunk: Uint8Array | string;
  readonly encoding: BufferEncoding;
}

type Done = (error?: Error | null) => void;

/** A stream whose writes are ended by the test. */
class Taken extends Duplex {
  readonly pieces: Buffer[] = [];
  done: Done | undefined;

  override _read(): void {
    // Nothing is read here.
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.#take([{ chunk, encoding }], done);
  }

  override _writev(parts: readonly Part[], done: Done): void {
    this.#take(parts, done);
  }

  #take(parts: readonly Part[], done: Done): void {
    const bytes = parts.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk),
    );
    this.pieces.push(Buffer.concat(bytes));
    this.done = done;
  }

  /** Ends writes until none is begun. */
  takeAll(): void {
    for (let { done } = this; done !== undefined; { done } = this) {
      this.done = undefined;
      done();
    }
  }
}

let taken: Taken;
beforeEach(() => {
  taken = new Taken({ decodeStrings: false });
  writeInPieces(taken as object as TLSSocket);
});

test('a small write goes as it is, and a large one in pieces', () => {
  taken.write('head');
  expect(taken.pieces.map(String)).toEqual(['head']);
  taken.takeAll();
  taken.write(Buffer.alloc(2 * pieceBytesMax + 1));
  expect(taken.pieces.map(({ length }) => length)).toEqual([4, pieceBytesMax]);
  taken.takeAll();
  expect(taken.pieces.map(({ length }) => length)).toEqual([4, pieceBytesMax, pieceBytesMax, 1]);
  expect(taken.writableLength).toBe(0);
});

test('a head leaves together with the begin of its body', () => {
  taken.cork();
  taken.write('head');
  taken.write(Buffer.alloc(pieceBytesMax));
  taken.uncork();
  expect(taken.pieces.map(({ length }) => length)).toEqual([pieceBytesMax]);
  expect(taken.pieces[0]?.subarray(0, 4).toString()).toBe('head');
});

test('any writes arrive in order, whole, and in no piece that is too large', async () => {
  const large = fc
    .integer({ min: 0, max: 3 * pieceBytesMax })
    .map((size) => Buffer.alloc(size, size % 251));
  const writes = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), large), { maxLength: 8 });
  fc.assert(
    fc.property(writes, fc.boolean(), (parts, corked) => {
      taken = new Taken({ decodeStrings: false });
      writeInPieces(taken as object as TLSSocket);
      if (corked) taken.cork();
      for (const part of parts) taken.write(part);
      if (corked) taken.uncork();
      taken.takeAll();
      const sent = Buffer.concat(parts.map((part) => Buffer.from(part)));
      expect(Buffer.concat(taken.pieces).equals(sent)).toBe(true);
      expect(Math.max(0, ...taken.pieces.map(({ length }) => length))).toBeLessThanOrEqual(
        pieceBytesMax,
      );
      expect(taken.writableLength).toBe(0);
    }),
  );
});

test('a piece that fails ends the write, and the rest is not tried', async () => {
  const failed = new Promise<Error>((resolve) => taken.once('error', resolve));
  taken.write(Buffer.alloc(2 * pieceBytesMax));
  taken.done?.(new Error('gone'));
  expect((await failed).message).toBe('gone');
  expect(taken.pieces).toHaveLength(1);
});

test('a connection that is destroyed meanwhile gets no further piece', () => {
  taken.write(Buffer.alloc(2 * pieceBytesMax));
  taken.destroy();
  taken.takeAll();
  expect(taken.pieces).toHaveLength(1);
});
