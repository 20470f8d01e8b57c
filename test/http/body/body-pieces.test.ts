import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyPieces } from '../../../src/http/body/body-pieces.ts';

/** Node hands out each chunk in memory of its own. */
function chunkOf(length: number, fill: number): Buffer {
  return Buffer.alloc(length, fill);
}

describe('a body in pieces', () => {
  test('of one chunk is that chunk, not a copy', () => {
    const pieces = new BodyPieces(1000);
    const chunk = chunkOf(1000, 1);
    expect(pieces.add(chunk)).toBe(1000);
    expect(pieces.join()).toBe(chunk);
  });

  test('does not keep the memory that a chunk is a view of', () => {
    const pieces = new BodyPieces(10_000);
    const taken = pieces.add(Buffer.alloc(1024 * 1024, 1).subarray(0, 5000));
    expect(taken).toBe(5000);
    expect(pieces.join().buffer.byteLength).toBe(5000);
  });

  test('of a million chunks of one byte takes little more memory than a million bytes', () => {
    const million = 1_000_000;
    const pieces = new BodyPieces(64 * million);
    const byte = chunkOf(1, 7);
    let taken = 0;
    for (let n = 0; n < million; n++) taken += pieces.add(byte);
    expect(taken).toBeGreaterThanOrEqual(million);
    expect(taken).toBeLessThan(million + 16 * 1024);
    expect(pieces.pieceCount).toBeLessThan(100);
    expect(pieces.join().equals(chunkOf(million, 7))).toBe(true);
  });

  test('takes no more memory than its limit, however it is cut, and comes out as it went in', () => {
    const sizes = fc.array(
      fc.oneof(fc.nat(20), fc.nat(5000), fc.nat(40_000)).map((size) => size + 1),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(sizes, fc.nat(20_000), (lengths, spare) => {
        const whole = lengths.reduce((sum, length) => sum + length, 0);
        const pieces = new BodyPieces(whole + spare);
        const chunks = lengths.map((length, index) => chunkOf(length, index));
        let taken = 0;
        for (const chunk of chunks) {
          taken += pieces.add(chunk);
          expect(taken).toBeGreaterThanOrEqual(pieces.length);
          expect(taken - pieces.length).toBeLessThan(16 * 1024);
        }
        expect(taken).toBeLessThanOrEqual(whole + spare);
        expect(pieces.join().equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });
});
