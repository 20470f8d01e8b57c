// Parses lines without the large values in them: these stay the JSON text that they are. So a stream
// of entries from file to file neither decodes nor encodes them. Knows no kind of line.
import { endOfJsonString } from '../base/json-string.ts';
import { parseLine } from './sealed-line.ts';

/** Reads the object of a line. @returns undefined if the line is no JSON */
export type ParseLine = (bytes: Buffer) => unknown;

/** The member of a record that holds its value, as JSON: `"value":"…"` or `"valueBase64":"…"`. */
export class ValueText {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}

const largeBytesMin = 4096;
/** With more strings than these before each large value, the usual way is the faster one. */
const otherStringsMax = 64;
/** The member that stands for a cut one. */
const member = 'valueText';
const openings = ['"value":', '"valueBase64":'];
const longestOpening = '"valueBase64":'.length;

const quote = 0x22;

/** @returns the length of the opening of a value before the string; 0 if there is none */
function openingBefore(bytes: Buffer, start: number): number {
  const before = bytes.toString('latin1', Math.max(0, start - longestOpening), start);
  return openings.find((opening) => before.endsWith(opening))?.length ?? 0;
}

/** A line, and what was cut out of it. In its place stands a member with its number. */
interface CutLine {
  readonly rest: string;
  readonly values: readonly ValueText[];
}

/** @returns undefined if there is nothing to cut, or little beside other strings */
function cutValues(bytes: Buffer): CutLine | undefined {
  const values: ValueText[] = [];
  let rest = '';
  let from = 0;
  let others = 0;
  for (let start = bytes.indexOf(quote); start !== -1;) {
    const end = endOfJsonString(bytes, start) + 1;
    const opening = end - start >= largeBytesMin ? openingBefore(bytes, start) : 0;
    if (opening > 0) {
      rest += `${bytes.toString('utf8', from, start - opening)}"${member}":${values.length}`;
      values.push(new ValueText(bytes.toString('utf8', start - opening, end)));
      from = end;
    } else if (++others > otherStringsMax * (values.length + 1)) {
      return undefined;
    }
    start = bytes.indexOf(quote, end);
  }
  return values.length === 0 ? undefined : { rest: rest + bytes.toString('utf8', from), values };
}

/**
 * Like `parseLine`, but each large `value` or `valueBase64` is a `valueText` in its place. A line of
 * small values is read as `parseLine` does.
 */
export const parseLineAroundValues: ParseLine = (bytes) => {
  if (bytes.length < largeBytesMin) return parseLine(bytes);
  const line = cutValues(bytes);
  if (line === undefined) return parseLine(bytes);
  let put = 0;
  try {
    const parsed: unknown = JSON.parse(line.rest, (name, value: unknown) => {
      if (name !== member) return value;
      put += 1;
      return typeof value === 'number' ? line.values[value] : undefined;
    });
    if (put === line.values.length) return parsed;
  } catch {
    // The whole line decides.
  }
  // A person has written the line, with a member of such a name.
  return parseLine(bytes);
};
