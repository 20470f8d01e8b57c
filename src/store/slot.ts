// Maps a key to its slot, exactly as Redis Cluster does. Source: the Redis Cluster specification,
// "Key distribution model" and "Hash tags". Operations that a hash tag makes atomic here are then
// atomic there, too.

export const slotCount = 16384;

const crc16Table = new Uint16Array(256).map((_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

/**
 * The hashed part of a key: between the first `{` and the next `}`. The whole key if that part is
 * missing or empty.
 */
function hashTagRange(key: string): [start: number, end: number] {
  const open = key.indexOf('{');
  if (open === -1) return [0, key.length];
  const close = key.indexOf('}', open + 1);
  return close === -1 || close === open + 1 ? [0, key.length] : [open + 1, close];
}

/**
 * CRC-16/XMODEM of the key's bytes, modulo 16384.
 *
 * @param key the key's UTF-8 bytes as a one-byte string
 */
export function slotOfKey(key: string): number {
  const [start, end] = hashTagRange(key);
  let crc = 0;
  for (let i = start; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ (crc16Table[((crc >> 8) ^ key.charCodeAt(i)) & 0xff] ?? 0);
  }
  return crc % slotCount;
}

export function shardOfKey(key: string, shardCount: number): number {
  return shardOfSlot(slotOfKey(key), shardCount);
}

/** Slots map to shards in contiguous ranges that differ by at most one slot in size. */
export function shardOfSlot(slot: number, shardCount: number): number {
  return Math.floor((slot * shardCount) / slotCount);
}
