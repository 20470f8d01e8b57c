// Reads commands from JSON: each is a list of strings, numbers and booleans. Arguments become byte
// strings. Numbers keep their spelling: a parsed number beyond 2^53 has lost digits. Knows no
// command.
import { isAscii, isUtf8 } from 'node:buffer';
import { byteStringOfText } from '../../base/byte-string.ts';
import { elementsIn, numbersIn } from '../wire/json-scan.ts';
import { RequestFault } from './request-fault.ts';

/** Yields each number of a document in turn; scans the document only if a spelling is needed. */
class NumberTexts {
  readonly #body: Buffer;
  #numbers: string[] | undefined;
  #next = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** The caller calls this for every number of the document, in order. */
  next(parsed: number): string {
    const index = this.#next++;
    if (Number.isSafeInteger(parsed)) return String(parsed);
    this.#numbers ??= numbersIn(this.#body);
    return this.#numbers[index] ?? String(parsed);
  }
}

/** The most commands and arguments that are parsed for one request. */
const elementsMax = 1_000_000;

interface Parsed {
  readonly json: unknown;
  readonly numbers: NumberTexts;
  /** True if all strings are ASCII, and so their own byte strings. */
  readonly isAscii: boolean;
}

function parse(body: Buffer): Parsed {
  // A shorter body cannot have as many elements, so there is nothing to count.
  if (body.length > elementsMax && elementsIn(body, elementsMax) > elementsMax) {
    throw new RequestFault(`ERR a request may have at most ${elementsMax} arguments`, 413);
  }
  const hasAsciiBytes = isAscii(body);
  if (!hasAsciiBytes && !isUtf8(body)) {
    throw new RequestFault('ERR the body must be valid UTF-8');
  }
  try {
    const json: unknown = JSON.parse(body.toString(hasAsciiBytes ? 'latin1' : 'utf8'));
    const hasEscapes = body.includes('\\u');
    return { json, numbers: new NumberTexts(body), isAscii: hasAsciiBytes && !hasEscapes };
  } catch {
    throw new RequestFault('ERR failed to parse the body as JSON');
  }
}

function argumentOf(json: unknown, { numbers, isAscii: isByteString }: Parsed): string {
  if (typeof json === 'string' && isByteString) return json;
  if (typeof json === 'number') return numbers.next(json);
  if (typeof json === 'boolean') return String(json);
  if (typeof json !== 'string') {
    throw new RequestFault('ERR an argument must be a string, a number or a boolean');
  }
  if (!json.isWellFormed()) throw new RequestFault('ERR an argument must be well-formed Unicode');
  return byteStringOfText(json);
}

function commandOf(json: unknown, parsed: Parsed): string[] {
  if (!Array.isArray(json)) throw new RequestFault('ERR a command must be a list of arguments');
  if (json.length === 0) throw new RequestFault('ERR a command must not be empty');
  return json.map((argument) => argumentOf(argument, parsed));
}

/** @throws RequestFault if the body is not one command */
export function commandOfJson(body: Buffer): string[] {
  const parsed = parse(body);
  return commandOf(parsed.json, parsed);
}

/** @throws RequestFault if the body is not a list of commands, or has too many */
export function commandsOfJson(body: Buffer, commandsMax: number): string[][] {
  const parsed = parse(body);
  const { json } = parsed;
  if (!Array.isArray(json)) throw new RequestFault('ERR the body must be a list of commands');
  if (json.length > commandsMax) {
    throw new RequestFault(`ERR a request may have at most ${commandsMax} commands`, 413);
  }
  return json.map((command) => commandOf(command, parsed));
}
