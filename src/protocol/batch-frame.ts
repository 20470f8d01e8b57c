// Owns the framed buffer that takes a batch to its shard's thread; reply-frame.ts has the way back.
// No file outside this folder knows the framing. Both ends run the same build, so the frame has no
// version.
import { assert, unreachable } from '../base/assert.ts';
import type { KeyRange, ListQuery } from '../store/listing.ts';
import type { CommandOperation, Conditions, VersionMatch } from '../store/operation.ts';
import { FrameReader, FrameWriter } from './frame-bytes.ts';
import type {
  BatchRequest,
  ChangeOperation,
  CountOperation,
  EntryChange,
  InDoubtTransaction,
  PrepareOperation,
  ShardChanges,
  ShardOperation,
} from './shard-operation.ts';

const opCodes = {
  get: 1,
  head: 2,
  put: 3,
  delete: 4,
  list: 5,
  count: 6,
  sweep: 7,
  mark: 8,
  command: 9,
  change: 10,
  prepare: 11,
  commit: 12,
  abort: 13,
  forget: 14,
  getAt: 15,
  measure: 16,
} as const;

/** Bytes of an operation in a frame, at most, without the parts that vary in length. */
const fixedBytes = 64;
const noVersions = 0xffff;
const anyVersion = 0xfffe;

/** About how many bytes an operation takes in a frame. */
export function frameBytesOf(operation: ShardOperation): number {
  if (operation.op === 'change' || operation.op === 'prepare') return changeBytes(operation);
  if (operation.op === 'list') return fixedBytes + queryBytes(operation.query);
  if (operation.op === 'count') return countBytes(operation);
  if (operation.op === 'sweep') return fixedBytes + (operation.namespace?.length ?? 0);
  if (operation.op === 'measure') return fixedBytes + bytesOfStrings(operation.namespaces ?? []);
  if (!('key' in operation)) return fixedBytes;
  if (operation.op === 'command') return commandBytes(operation);
  const bytes = fixedBytes + operation.namespace.length + operation.key.length;
  if (operation.op !== 'put' && operation.op !== 'delete') return bytes;
  const conditions = versionBytes(operation.ifMatch) + versionBytes(operation.ifNoneMatch);
  return bytes + conditions + (operation.op === 'put' ? operation.value.length : 0);
}

/** Bytes of the length before each string. */
const stringBytes = 4;

function bytesOfStrings(values: readonly string[]): number {
  return values.reduce((sum, { length }) => sum + stringBytes + length, 0);
}

function commandBytes({ namespace, name, args, keys }: CommandOperation): number {
  const bytes = fixedBytes + namespace.length + name.length;
  return bytes + bytesOfStrings(args) + bytesOfStrings(keys);
}

function rangesBytes(ranges: readonly KeyRange[] = []): number {
  return ranges.reduce((sum, { low, high }) => sum + bytesOfStrings([low, high]), 0);
}

function queryBytes({ namespace, prefix, start = '', end = '', after = '', within }: ListQuery) {
  return bytesOfStrings([namespace, prefix, start, end, after]) + rangesBytes(within);
}

function countBytes({ namespace, within }: CountOperation): number {
  return fixedBytes + namespace.length + rangesBytes(within);
}

function changeBytes(operation: ChangeOperation | PrepareOperation): number {
  const { flush = [], changes } = operation;
  let bytes = fixedBytes;
  if (operation.op === 'prepare') bytes += fixedBytes + operation.participants.length * 4;
  bytes += bytesOfStrings(flush);
  for (const { namespace, key, put } of changes) {
    bytes += fixedBytes + namespace.length + key.length + (put?.value.length ?? 0);
  }
  return bytes;
}

function versionBytes(match: VersionMatch | undefined): number {
  return match === undefined || match === '*' ? 0 : match.length * 8;
}

export function encodeBatch(request: BatchRequest): Uint8Array<ArrayBuffer> {
  let size = fixedBytes;
  for (const operation of request.operations) size += frameBytesOf(operation);
  const frame = new FrameWriter(size);
  frame.f64(request.timestamp);
  frame.u32(request.operations.length);
  for (const operation of request.operations) writeOperation(frame, operation);
  return frame.finish();
}

export function decodeBatch(bytes: Uint8Array): BatchRequest {
  const frame = new FrameReader(bytes);
  const timestamp = frame.f64();
  const operations: ShardOperation[] = [];
  for (let left = frame.u32(); left > 0; left--) operations.push(readOperation(frame));
  assert(frame.isAtEnd, 'a batch is read to its end');
  return { timestamp, operations };
}

function writeOperation(frame: FrameWriter, operation: ShardOperation): void {
  frame.u8(opCodes[operation.op]);
  switch (operation.op) {
    case 'get':
    case 'head':
      frame.string(operation.namespace);
      frame.string(operation.key);
      return;
    case 'put':
      frame.string(operation.namespace);
      frame.string(operation.key);
      frame.value(operation.value);
      frame.f64(operation.ttlMs ?? 0);
      writeConditions(frame, operation);
      return;
    case 'delete':
      frame.string(operation.namespace);
      frame.string(operation.key);
      writeConditions(frame, operation);
      return;
    case 'command':
      writeCommand(frame, operation);
      return;
    case 'change':
      frame.u8(operation.synced ? 1 : 0);
      writeChanges(frame, operation);
      return;
    case 'prepare':
      frame.string(operation.transaction);
      frame.u32(operation.participants.length);
      for (const shard of operation.participants) frame.u32(shard);
      writeChanges(frame, operation);
      return;
    case 'commit':
    case 'abort':
    case 'forget':
      frame.string(operation.transaction);
      return;
    case 'getAt':
      frame.string(operation.namespace);
      frame.string(operation.key);
      frame.f64(operation.now);
      return;
    case 'list':
      writeListQuery(frame, operation.query);
      frame.f64(operation.now);
      return;
    case 'count':
      frame.string(operation.namespace);
      writeRanges(frame, operation.within);
      frame.f64(operation.now);
      return;
    case 'measure':
      frame.u8(operation.namespaces === undefined ? 0 : 1);
      frame.strings(operation.namespaces ?? []);
      return;
    case 'sweep':
      frame.f64(operation.now);
      frame.string(operation.namespace ?? '');
      return;
    case 'mark':
      return;
    default:
      unreachable(operation);
  }
}

function readOperation(frame: FrameReader): ShardOperation {
  switch (frame.u8()) {
    case opCodes.get:
      return { op: 'get', namespace: frame.string(), key: frame.string() };
    case opCodes.head:
      return { op: 'head', namespace: frame.string(), key: frame.string() };
    case opCodes.put:
      return {
        op: 'put',
        namespace: frame.string(),
        key: frame.string(),
        value: frame.string(),
        ttlMs: frame.f64() || undefined,
        ...readConditions(frame),
      };
    case opCodes.delete:
      return {
        op: 'delete',
        namespace: frame.string(),
        key: frame.string(),
        ...readConditions(frame),
      };
    case opCodes.command:
      return readCommand(frame);
    case opCodes.change:
      return { op: 'change', synced: frame.u8() === 1, ...readChanges(frame) };
    case opCodes.prepare:
      return { op: 'prepare', ...readInDoubt(frame), ...readChanges(frame) };
    case opCodes.commit:
      return { op: 'commit', transaction: frame.string() };
    case opCodes.abort:
      return { op: 'abort', transaction: frame.string() };
    case opCodes.forget:
      return { op: 'forget', transaction: frame.string() };
    case opCodes.list:
      return { op: 'list', query: readListQuery(frame), now: frame.f64() };
    case opCodes.count:
      return {
        op: 'count',
        namespace: frame.string(),
        within: readRanges(frame),
        now: frame.f64(),
      };
    case opCodes.measure: {
      const isOfSome = frame.u8() === 1;
      const namespaces = frame.strings();
      return { op: 'measure', namespaces: isOfSome ? namespaces : undefined };
    }
    case opCodes.sweep:
      return { op: 'sweep', now: frame.f64(), namespace: frame.string() || undefined };
    case opCodes.getAt:
      return { op: 'getAt', namespace: frame.string(), key: frame.string(), now: frame.f64() };
    case opCodes.mark:
      return { op: 'mark' };
    default:
      throw new Error('unknown operation in a batch');
  }
}

function writeCommand(frame: FrameWriter, operation: CommandOperation): void {
  const { namespace, name, access, args, keys, valueBytesMax } = operation;
  frame.string(namespace);
  frame.string(name);
  frame.u8(access === 'write' ? 1 : 0);
  frame.strings(args);
  frame.strings(keys);
  frame.f64(valueBytesMax);
}

function readCommand(frame: FrameReader): CommandOperation {
  const namespace = frame.string();
  const name = frame.string();
  const access = frame.u8() === 1 ? 'write' : 'read';
  const args = frame.strings();
  const keys = frame.strings();
  const [key = ''] = keys;
  return { op: 'command', namespace, key, name, access, args, keys, valueBytesMax: frame.f64() };
}

function writeChanges(frame: FrameWriter, operation: ShardChanges): void {
  const { flush = [], changes, version, validUntil } = operation;
  frame.strings(flush);
  frame.u32(changes.length);
  for (const { namespace, key, put } of changes) {
    frame.string(namespace);
    frame.string(key);
    frame.u8(put === undefined ? 0 : 1);
    if (put === undefined) continue;
    frame.value(put.value);
    frame.f64(put.expiresAt ?? 0);
  }
  frame.f64(version);
  frame.f64(validUntil);
}

function readChanges(frame: FrameReader): ShardChanges {
  const flush = frame.strings();
  const changes = Array.from({ length: frame.u32() }, (): EntryChange => {
    const name = { namespace: frame.string(), key: frame.string() };
    if (frame.u8() === 0) return { ...name, put: undefined };
    return { ...name, put: { value: frame.string(), expiresAt: frame.f64() || undefined } };
  });
  const version = frame.f64();
  return { flush, changes, version, validUntil: frame.f64() };
}

function readInDoubt(frame: FrameReader): InDoubtTransaction {
  const transaction = frame.string();
  return { transaction, participants: Array.from({ length: frame.u32() }, () => frame.u32()) };
}

function writeListQuery(frame: FrameWriter, { within, ...rest }: ListQuery): void {
  frame.string(JSON.stringify(rest));
  writeRanges(frame, within);
}

function readListQuery(frame: FrameReader): ListQuery {
  const query = JSON.parse(frame.string()) as Partial<ListQuery> & ListQuery;
  const { start, end, after } = query;
  return { ...query, start, end, after, within: readRanges(frame) };
}

function writeRanges(frame: FrameWriter, ranges: readonly KeyRange[] | undefined): void {
  frame.u8(ranges === undefined ? 0 : 1);
  if (ranges === undefined) return;
  frame.u32(ranges.length);
  for (const { low, high } of ranges) {
    frame.string(low);
    frame.string(high);
  }
}

function readRanges(frame: FrameReader): KeyRange[] | undefined {
  if (frame.u8() === 0) return undefined;
  return Array.from({ length: frame.u32() }, () => ({ low: frame.string(), high: frame.string() }));
}

const noConditions: Conditions = {};

function writeConditions(frame: FrameWriter, { ifMatch, ifNoneMatch }: Conditions): void {
  const has = ifMatch !== undefined || ifNoneMatch !== undefined;
  frame.u8(has ? 1 : 0);
  if (!has) return;
  writeVersionMatch(frame, ifMatch);
  writeVersionMatch(frame, ifNoneMatch);
}

function readConditions(frame: FrameReader): Conditions {
  if (frame.u8() === 0) return noConditions;
  return { ifMatch: readVersionMatch(frame), ifNoneMatch: readVersionMatch(frame) };
}

function writeVersionMatch(frame: FrameWriter, match: VersionMatch | undefined): void {
  if (match === undefined || match === '*') {
    frame.u16(match === undefined ? noVersions : anyVersion);
    return;
  }
  assert(match.length < anyVersion, 'a list of versions fits into its frame');
  frame.u16(match.length);
  for (const version of match) frame.f64(version);
}

function readVersionMatch(frame: FrameReader): VersionMatch | undefined {
  const count = frame.u16();
  if (count === noVersions) return undefined;
  if (count === anyVersion) return '*';
  return Array.from({ length: count }, () => frame.f64());
}
