// Owns the form of a command's reply between threads, inside the frame of a batch's answers. Knows
// no command.
import { unreachable } from '../base/assert.ts';
import type { Reply } from '../commands/reply.ts';
import type { FrameReader, FrameWriter } from './frame-bytes.ts';

const kinds = {
  status: 1,
  bulk: 2,
  noBulk: 3,
  integer: 4,
  largeInteger: 5,
  array: 6,
  noArray: 7,
  error: 8,
} as const;

export function writeCommandReply(frame: FrameWriter, reply: Reply): void {
  switch (reply.kind) {
    case 'status':
      frame.u8(kinds.status);
      frame.string(reply.text);
      return;
    case 'bulk':
      frame.u8(reply.value === null ? kinds.noBulk : kinds.bulk);
      if (reply.value !== null) frame.string(reply.value);
      return;
    case 'integer':
      writeInteger(frame, reply.value);
      return;
    case 'array':
      frame.u8(reply.items === null ? kinds.noArray : kinds.array);
      if (reply.items === null) return;
      frame.u32(reply.items.length);
      for (const item of reply.items) writeCommandReply(frame, item);
      return;
    case 'error':
      frame.u8(kinds.error);
      frame.string(reply.message);
      return;
    default:
      unreachable(reply);
  }
}

export function readCommandReply(frame: FrameReader): Reply {
  switch (frame.u8()) {
    case kinds.status:
      return { kind: 'status', text: frame.string() };
    case kinds.bulk:
      return { kind: 'bulk', value: frame.string() };
    case kinds.noBulk:
      return { kind: 'bulk', value: null };
    case kinds.integer:
      return { kind: 'integer', value: frame.f64() };
    case kinds.largeInteger:
      return { kind: 'integer', value: BigInt(frame.string()) };
    case kinds.array: {
      const items: Reply[] = [];
      for (let left = frame.u32(); left > 0; left--) items.push(readCommandReply(frame));
      return { kind: 'array', items };
    }
    case kinds.noArray:
      return { kind: 'array', items: null };
    case kinds.error:
      return { kind: 'error', message: frame.string() };
    default:
      throw new Error('unknown kind of reply in a frame');
  }
}

function writeInteger(frame: FrameWriter, value: number | bigint): void {
  if (typeof value === 'number') {
    frame.u8(kinds.integer);
    frame.f64(value);
  } else {
    frame.u8(kinds.largeInteger);
    frame.string(String(value));
  }
}
