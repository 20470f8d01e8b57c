// Bytes that come through a pipe.
import { SequentialFile } from '../../../src/storage/sequential-file.ts';

/** A pipe that gives at most so many bytes a read. */
export function pipeOf(bytes: Buffer, pieceBytes: number): SequentialFile {
  let at = 0;
  const readNext = (target: Uint8Array): number => {
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, target.length));
    target.set(piece);
    at += piece.length;
    return piece.length;
  };
  return new SequentialFile(readNext, () => undefined);
}
