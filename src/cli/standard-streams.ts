// Owns the descriptors of standard output and standard error. Writes the program's own lines there,
// and keeps any write there from blocking or ending a server. Knows no command and no log.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { BoundedWriter } from './bounded-writer.ts';
import { terminals } from './process-signals.ts';

const names = { 1: 'stdout', 2: 'stderr' } as const;
type Descriptor = keyof typeof names;

const keptBytesMax = 1024 * 1024;
const retryMs = 20;
/** Milliseconds that the program waits at its end for the reader of its last lines. */
const lastWordsMs = 200;

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

function writerTo(descriptor: Descriptor): BoundedWriter {
  const writer = new BoundedWriter({
    write: (bytes) => writeSync(descriptor, bytes),
    bytesMax: keptBytesMax,
    later: (work) => void setTimeout(work, retryMs).unref(),
    sleep: (ms) => void Atomics.wait(sleepCell, 0, 0, ms),
  });
  process.once('exit', () => writer.finish(lastWordsMs));
  return writer;
}

/** For lines to people and for the log. Not for data: text that cannot be written is lost. */
export const standardError = writerTo(2);

/** For what a server prints; other commands have standard-output.ts. */
export const serverOutput = writerTo(1);

process.once('exit', leaveClosedTerminals);

/** At its end Node sets terminals back to what they were, and aborts if one of them has been closed. */
function leaveClosedTerminals(): void {
  for (const descriptor of terminals) {
    if (isatty(descriptor)) continue;
    closeSync(descriptor);
    openSync('/dev/null', constants.O_RDWR);
  }
}

/**
 * From here on no write to the two streams blocks or ends the program. That includes writes by
 * threads and by Node itself. Must be called before any code touches `process.stdout` or
 * `process.stderr`, as libraries do when they are loaded.
 */
export function neverBlockOnStreams(): void {
  neverBlock(1, serverOutput);
  neverBlockOnStandardError();
}

/** For commands that must receive signals even if no reader takes their progress. */
export function neverBlockOnStandardError(): void {
  neverBlock(2, standardError);
}

/** @param writer gets what is written to the runtime's own stream */
function neverBlock(descriptor: Descriptor, writer: BoundedWriter): void {
  const name = names[descriptor];
  // A file takes what it is given, or fails.
  if (!fstatSync(descriptor).isFile() && !reopen(descriptor)) {
    // Node's stream makes the descriptor non-blocking until the program ends. Other programs that
    // have inherited it are affected too, which cannot be avoided for sockets.
    process[name].on('error', () => undefined);
  }
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: unknown, _encoding, done) => {
      writer.write(String(chunk));
      done();
    },
  });
  Object.defineProperty(process, name, { value: stream, configurable: true, enumerable: true });
}

const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Replaces the inherited open file description by one of our own, and makes only that non-blocking.
 * The inherited one belongs to the shell and other programs, too.
 *
 * @returns false if the descriptor cannot be opened again, as a socket, another user's pipe, or a
 *   pipe without a reader
 */
function reopen(descriptor: Descriptor): boolean {
  let own: number;
  try {
    own = openSync(`/proc/self/fd/${descriptor}`, flags);
  } catch {
    return false;
  }
  // The lowest number that is free is given next. No other thread is there yet to take it.
  closeSync(descriptor);
  try {
    openSync(`/proc/self/fd/${own}`, flags);
  } catch {
    // Its last reader has gone in between: it is as good as closed.
    openSync('/dev/null', constants.O_WRONLY);
  }
  closeSync(own);
  return true;
}
