// Reads commands from JSON: each is a list of strings, numbers and booleans. Arguments become byte
// strings. Numbers keep their spelling: a parsed number beyond 2^53 has lost digits. Knows no
// command.
import { isUtf8 } from 'node:buffer';
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

function parse(body: Buffer): { json: unknown; numbers: NumberTexts } {
  // A shorter body cannot have as many elements, so there is nothing to count.
  if (body.length > elementsMax && elementsIn(body, elementsMax) > elementsMax) {
    throw new RequestFault(`ERR a request may have at most ${elementsMax} arguments`, 413);
  }
  if (!isUtf8(body)) throw new RequestFault('ERR the body must be valid UTF-8');
  try {
    return { json: JSON.parse(body.toString('utf8')), numbers: new NumberTexts(body) };
  } catch {
    throw new RequestFault('ERR failed to parse the body as JSON');
  }
}

function argumentOf(json: unknown, numbers: NumberTexts): string {
  if (typeof json === 'number') return numbers.next(json);
  if (typeof json === 'boolean') return String(json);
  if (typeof json !== 'string') {
    throw new RequestFault('ERR an argument must be a string, a number or a boolean');
  }
  if (!json.isWellFormed()) throw new RequestFault('ERR an argument must be well-formed Unicode');
  return byteStringOfText(json);
}

function commandOf(json: unknown, numbers: NumberTexts): string[] {
  if (!Array.isArray(json)) throw new RequestFault('ERR a command must be a list of arguments');
  if (json.length === 0) throw new RequestFault('ERR a command must not be empty');
  return json.map((argument) => argumentOf(argument, numbers));
}

/** @throws RequestFault if the body is not one command */
export function commandOfJson(body: Buffer): string[] {
  const { json, numbers } = parse(body);
  return commandOf(json, numbers);
}

/** @throws RequestFault if the body is not a list of commands, or has too many */
export function commandsOfJson(body: Buffer, commandsMax: number): string[][] {
  const { json, numbers } = parse(body);
  if (!Array.isArray(json)) throw new RequestFault('ERR the body must be a list of commands');
  if (json.length > commandsMax) {
    throw new RequestFault(`ERR a request may have at most ${commandsMax} commands`, 413);
  }
  return json.map((command) => commandOf(command, numbers));
}
