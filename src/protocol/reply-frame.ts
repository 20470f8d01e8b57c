// Owns the framed buffer that brings back a shard's answers to a batch; see batch-frame.ts.
import { assert, unreachable } from '../base/assert.ts';
import type { ListItem } from '../store/listing.ts';
import type { Durability } from '../store/result.ts';
import type { NamespaceFigures } from '../store/store-status.ts';
import { replyBytesOf } from '../commands/reply-bytes.ts';
import { readCommandReply, writeCommandReply } from './command-reply-frame.ts';
import { decodeError, encodeError } from './error-data.ts';
import { FrameReader, FrameWriter } from './frame-bytes.ts';
import type { BatchReply, ShardAnswer, ShardReport, ShardResult } from './shard-operation.ts';

const kinds = {
  entry: 1,
  missing: 2,
  created: 3,
  replaced: 4,
  deleted: 5,
  conditionFailed: 6,
  refused: 7,
  page: 8,
  count: 9,
  done: 10,
  reply: 11,
  stale: 12,
  figures: 13,
  replyOfChange: 14,
} as const;

/** Bytes of an answer in a frame, at most, without its value; pages grow the frame as they need. */
const fixedBytes = 64;

function answerBytes(answer: ShardAnswer): number {
  if (answer.kind === 'reply') return fixedBytes + replyBytesOf(answer.reply);
  if (answer.kind === 'entry') return fixedBytes + (answer.value?.length ?? 0);
  return fixedBytes;
}

export function encodeReply(reply: BatchReply<ShardAnswer>): Uint8Array<ArrayBuffer> {
  let size = 4 * fixedBytes;
  for (const answer of reply.results) size += answerBytes(answer);
  const frame = new FrameWriter(size);
  writeReport(frame, reply.report);
  frame.u32(reply.results.length);
  for (const answer of reply.results) writeAnswer(frame, answer);
  return frame.finish();
}

export function decodeReply(bytes: Uint8Array): BatchReply<ShardResult> {
  const frame = new FrameReader(bytes);
  const report = readReport(frame);
  const results: ShardResult[] = [];
  for (let left = frame.u32(); left > 0; left--) results.push(readResult(frame, report.durability));
  assert(frame.isAtEnd, 'a reply is read to its end');
  return { report, results };
}

const synced = 1;
const unsynced = 2;
const unmarked = 4;
const broken = 8;
const diskFull = 16;
const compactionWanted = 32;

function writeReport(frame: FrameWriter, report: ShardReport): void {
  frame.u8(
    (report.durability === 'synced' ? synced : 0) |
      (report.hasUnsynced ? unsynced : 0) |
      (report.hasUnmarked ? unmarked : 0) |
      (report.isBroken ? broken : 0) |
      (report.isDiskFull ? diskFull : 0) |
      (report.wantsCompaction ? compactionWanted : 0),
  );
  frame.f64(report.nextSeq);
  frame.f64(report.entries);
  frame.f64(report.bytes);
  frame.f64(report.heapBytes);
  frame.f64(report.heapBytesMax);
  frame.f64(report.journalBytes);
  frame.f64(report.liveJournals);
  frame.f64(report.snapshotBytes);
  frame.f64(report.nextExpiryAt);
  frame.f64(report.syncSeconds);
  writeFigures(frame, report.namespaces);
}

function readReport(frame: FrameReader): ShardReport {
  const flags = frame.u8();
  return {
    durability: flags & synced ? 'synced' : 'written',
    nextSeq: frame.f64(),
    entries: frame.f64(),
    bytes: frame.f64(),
    heapBytes: frame.f64(),
    heapBytesMax: frame.f64(),
    journalBytes: frame.f64(),
    liveJournals: frame.f64(),
    snapshotBytes: frame.f64(),
    nextExpiryAt: frame.f64(),
    syncSeconds: frame.f64(),
    hasUnsynced: (flags & unsynced) !== 0,
    hasUnmarked: (flags & unmarked) !== 0,
    isBroken: (flags & broken) !== 0,
    isDiskFull: (flags & diskFull) !== 0,
    wantsCompaction: (flags & compactionWanted) !== 0,
    namespaces: readFigures(frame),
  };
}

function writeAnswer(frame: FrameWriter, answer: ShardAnswer): void {
  switch (answer.kind) {
    case 'entry':
      frame.u8(kinds.entry);
      frame.f64(answer.version);
      frame.f64(answer.expiresAt ?? 0);
      writeValue(frame, answer.size, answer.value);
      return;
    case 'missing':
      frame.u8(kinds.missing);
      return;
    case 'written':
      frame.u8(answer.previousVersion === 0 ? kinds.created : kinds.replaced);
      frame.f64(answer.version);
      if (answer.previousVersion !== 0) frame.f64(answer.previousVersion);
      return;
    case 'deleted':
      frame.u8(kinds.deleted);
      frame.f64(answer.previousVersion);
      return;
    case 'condition-failed':
      frame.u8(kinds.conditionFailed);
      frame.f64(answer.version);
      return;
    case 'refused':
      frame.u8(kinds.refused);
      frame.bytes(Buffer.from(encodeError(answer.error)));
      return;
    case 'page':
      frame.u8(kinds.page);
      writePage(frame, answer.items, answer.scannedTo);
      return;
    case 'count':
      frame.u8(kinds.count);
      frame.f64(answer.count);
      return;
    case 'figures':
      frame.u8(kinds.figures);
      writeFigures(frame, answer.figures);
      return;
    case 'done':
      frame.u8(kinds.done);
      return;
    case 'stale':
      frame.u8(kinds.stale);
      return;
    case 'reply':
      frame.u8(answer.hasChanged === true ? kinds.replyOfChange : kinds.reply);
      writeCommandReply(frame, answer.reply);
      return;
    default:
      unreachable(answer);
  }
}

function readResult(frame: FrameReader, durability: Durability): ShardResult {
  switch (frame.u8()) {
    case kinds.entry:
      return {
        kind: 'entry',
        version: frame.f64(),
        expiresAt: frame.f64() || undefined,
        ...readValue(frame),
      };
    case kinds.missing:
      return { kind: 'missing' };
    case kinds.created:
      return {
        kind: 'written',
        created: true,
        version: frame.f64(),
        previousVersion: 0,
        durability,
      };
    case kinds.replaced:
      return {
        kind: 'written',
        created: false,
        version: frame.f64(),
        previousVersion: frame.f64(),
        durability,
      };
    case kinds.deleted:
      return { kind: 'deleted', previousVersion: frame.f64(), durability };
    case kinds.conditionFailed:
      return { kind: 'condition-failed', version: frame.f64() };
    case kinds.refused:
      return { kind: 'refused', error: decodeError(frame.bytes().toString()) };
    case kinds.page:
      return { kind: 'page', ...readPage(frame) };
    case kinds.count:
      return { kind: 'count', count: frame.f64() };
    case kinds.figures:
      return { kind: 'figures', figures: readFigures(frame) };
    case kinds.done:
      return { kind: 'done' };
    case kinds.stale:
      return { kind: 'stale' };
    case kinds.reply:
      return { kind: 'reply', reply: readCommandReply(frame), hasChanged: false };
    case kinds.replyOfChange:
      return { kind: 'reply', reply: readCommandReply(frame), hasChanged: true };
    default:
      throw new Error('unknown result in a reply');
  }
}

function writeFigures(frame: FrameWriter, figures: readonly NamespaceFigures[]): void {
  frame.u32(figures.length);
  for (const { namespace, keys, bytes } of figures) {
    frame.string(namespace);
    frame.f64(keys);
    frame.f64(bytes);
  }
}

function readFigures(frame: FrameReader): NamespaceFigures[] {
  return Array.from({ length: frame.u32() }, () => ({
    namespace: frame.string(),
    keys: frame.f64(),
    bytes: frame.f64(),
  }));
}

function writeValue(frame: FrameWriter, size: number, value: string | undefined): void {
  frame.u8(value === undefined ? 0 : 1);
  if (value === undefined) frame.u32(size);
  else frame.string(value);
}

function readValue(frame: FrameReader): { size: number; value: Buffer | undefined } {
  if (frame.u8() === 0) return { size: frame.u32(), value: undefined };
  const value = frame.bytes();
  return { size: value.length, value };
}

function writePage(
  frame: FrameWriter,
  items: readonly ListItem<string>[],
  scannedTo: string | undefined,
): void {
  frame.u8(scannedTo === undefined ? 0 : 1);
  if (scannedTo !== undefined) frame.string(scannedTo);
  frame.u32(items.length);
  for (const item of items) {
    frame.string(item.key);
    frame.f64(item.version);
    frame.f64(item.expiresAt ?? 0);
    frame.u32(item.size);
    frame.u8(item.value === undefined ? 0 : 1);
    if (item.value !== undefined) frame.string(item.value);
  }
}

function readPage(frame: FrameReader): {
  items: ListItem[];
  scannedTo: string | undefined;
} {
  const scannedTo = frame.u8() === 1 ? frame.string() : undefined;
  const items: ListItem[] = [];
  for (let left = frame.u32(); left > 0; left--) {
    items.push({
      key: frame.string(),
      version: frame.f64(),
      expiresAt: frame.f64() || undefined,
      size: frame.u32(),
      value: frame.u8() === 1 ? frame.bytes() : undefined,
    });
  }
  return { items, scannedTo };
}
