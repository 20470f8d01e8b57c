// Puts the provable lines of a damaged journal into the order in which the shard wrote them. Knows
// no file.
import type { ProvableLine } from './journal-salvage.ts';

/**
 * Follows the chain of checksums from the header on. If the chain is broken, goes on with a line
 * that may follow by its seq and time. Leaves out lines that fit nowhere.
 *
 * @param crc checksum of the header, if it is known
 * @param seq the lowest seq that the first line may have
 */
export function orderLines(
  lines: readonly ProvableLine[],
  crc: string | undefined,
  seq: number,
): ProvableLine[] {
  const followers = groupByPrevious(lines);
  const waiting = lines.toSorted(compareLines);
  const ordered: ProvableLine[] = [];
  let last = { crc, nextSeq: seq, at: 0 };
  let tried = 0;
  for (;;) {
    const linked = last.crc === undefined ? undefined : followers.get(last.crc);
    let line = linked?.find((one) => one.seq === last.nextSeq);
    for (; line === undefined && tried < waiting.length; tried++) {
      const next = waiting[tried];
      if (next !== undefined && mayFollow(next, last)) line = next;
    }
    if (line === undefined) return ordered;
    ordered.push(line);
    last = { crc: line.crc, nextSeq: line.seq + line.records.length, at: line.at };
  }
}

/** True if the line may stand behind `last`: neither seq nor time ever goes back. */
function mayFollow(line: ProvableLine, last: { nextSeq: number; at: number }): boolean {
  return line.seq >= last.nextSeq && line.at >= last.at;
}

/** Sorts a mark before the change that has the same seq: a mark has no records. */
function compareLines(a: ProvableLine, b: ProvableLine): number {
  return a.seq - b.seq || a.records.length - b.records.length || a.offset - b.offset;
}

function groupByPrevious(lines: readonly ProvableLine[]): Map<string, ProvableLine[]> {
  const groups = new Map<string, ProvableLine[]>();
  for (const line of lines) {
    const group = groups.get(line.previous);
    if (group === undefined) groups.set(line.previous, [line]);
    else group.push(line);
  }
  return groups;
}
