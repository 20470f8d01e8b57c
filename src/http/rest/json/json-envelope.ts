// Reads the body of a request over many keys: one JSON object whose members are lists, and nothing
// else. A fault here is a fault of the whole request. Does not look at the items of the lists.
import { isUtf8 } from 'node:buffer';
import { StoreError } from '../../../base/errors.ts';
import { isObject, unknownMember, type JsonObject } from '../../../base/json-object.ts';
import { elementsIn } from '../../wire/json-scan.ts';

/** Elements of one item with all its members, as `elementsIn` counts them. */
const elementsPerItem = 8;

/** The most further elements that are parsed: lists of versions, and mistakes to be named. */
const elementsSpare = 1_000_000;

export interface EnvelopeRules {
  readonly members: readonly string[];
  /** The most items in all lists together. */
  readonly itemsMax: number;
  /** The error text for a request with more items. */
  readonly tooMany: string;
}

function malformed(detail: string, parameter?: string): StoreError {
  return new StoreError('BAD_REQUEST', detail, { parameter });
}

function tooManyItems({ tooMany, itemsMax }: EnvelopeRules): StoreError {
  return new StoreError('REQUEST_TOO_LARGE', tooMany, { limit: itemsMax });
}

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw malformed('The body must be valid UTF-8.');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw malformed('The body must be one JSON document, without a byte order mark.');
  }
}

function objectOf(json: unknown, { members }: EnvelopeRules): JsonObject {
  if (!isObject(json)) {
    throw malformed(`The body must be an object; allowed members: ${members.join(', ')}.`);
  }
  const unknown = Object.keys(json).find((name) => !members.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, members);
  return json;
}

/**
 * @returns the lists by name; undefined if the body has no such member
 * @throws StoreError if the request as a whole is malformed or too large
 */
export function parseEnvelope(
  body: Buffer,
  rules: EnvelopeRules,
): ReadonlyMap<string, readonly unknown[] | undefined> {
  const elementsMax = rules.itemsMax * elementsPerItem + elementsSpare;
  // A shorter body cannot have as many elements, so there is nothing to count.
  if (body.length > elementsMax && elementsIn(body, elementsMax) > elementsMax) {
    throw tooManyItems(rules);
  }
  const json = objectOf(parseJson(body), rules);
  const lists = new Map<string, readonly unknown[] | undefined>();
  let items = 0;
  for (const name of rules.members) {
    const list = json[name];
    if (list !== undefined && !Array.isArray(list)) {
      throw malformed(`${name} must be a list.`, name);
    }
    lists.set(name, list);
    items += list?.length ?? 0;
  }
  if (items > rules.itemsMax) throw tooManyItems(rules);
  return lists;
}
