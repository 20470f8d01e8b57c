// Hands large writes to TLS in pieces, each when the system has taken the one before it. Node would
// encrypt a whole write at once. That takes its memory once more, and keeps the thread busy. Node
// would also see no progress before the end, and its timer would cut a client that reads slowly.
import type { TLSSocket } from 'node:tls';

/** Most bytes that are encrypted, and that the system has not taken, on one connection. */
export const pieceBytesMax = 64 * 1024;

type Done = (error?: Error | null) => void;

/** A part of a write, as a stream hands it over. */
interface Part {
  readonly chunk: Uint8Array | string;
  /** `buffer` for bytes. */
  readonly encoding: string;
}

/** The two methods by which a stream writes; the names are node's. */
interface Writes {
  _write: (chunk: Part['chunk'], encoding: string, done: Done) => void;
  _writev: (parts: readonly Part[], done: Done) => void;
}

function byteLengthOf({ chunk, encoding }: Part): number {
  if (typeof chunk !== 'string') return chunk.length;
  return Buffer.byteLength(chunk, encoding as BufferEncoding);
}

function bytesOf({ chunk, encoding }: Part): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : chunk;
}

/** The same bytes in lists of parts, of which none but the last has fewer bytes than a piece. */
function piecesOf(parts: readonly Part[]): Part[][] {
  const pieces: Part[][] = [];
  let piece: Part[] = [];
  let room = 0;
  for (const bytes of parts.map(bytesOf)) {
    for (let at = 0; at < bytes.length;) {
      if (room === 0) {
        pieces.push((piece = []));
        room = pieceBytesMax;
      }
      const chunk = bytes.subarray(at, at + room);
      piece.push({ chunk, encoding: 'buffer' });
      at += chunk.length;
      room -= chunk.length;
    }
  }
  return pieces;
}

export function writeInPieces(socket: TLSSocket): void {
  const stream = socket as object as Writes;
  // oxlint-disable no-underscore-dangle -- the names are node's
  const write = stream._write.bind(socket);
  const writev = stream._writev.bind(socket);
  const writeFrom = (index: number, pieces: readonly Part[][], done: Done): void => {
    const piece = pieces[index];
    if (piece === undefined || socket.destroyed) {
      done();
      return;
    }
    writev(piece, (error) => {
      if (error instanceof Error) done(error);
      else writeFrom(index + 1, pieces, done);
    });
  };
  const writeLarge = (parts: readonly Part[], done: Done): void => {
    writeFrom(0, piecesOf(parts), done);
  };
  stream._write = (chunk, encoding, done) => {
    const part = { chunk, encoding };
    if (byteLengthOf(part) <= pieceBytesMax) write(chunk, encoding, done);
    else writeLarge([part], done);
  };
  stream._writev = (parts, done) => {
    const bytes = parts.reduce((sum, part) => sum + byteLengthOf(part), 0);
    if (bytes <= pieceBytesMax) writev(parts, done);
    else writeLarge(parts, done);
  };
  // oxlint-enable no-underscore-dangle
}
