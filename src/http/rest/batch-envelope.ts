// Reads the envelope of a batch: `{"operations":[…]}` and nothing else. What is wrong here is
// wrong with the whole request; the items are looked at one by one later.
import { isUtf8 } from 'node:buffer';
import { StoreError } from '../../base/errors.ts';
import { elementsIn } from '../json-scan.ts';

/** An operation with all its members; see `elementsIn`. */
const elementsPerOperation = 8;

/** So many more are parsed: lists of versions, and mistakes that are to be named; never more. */
const elementsSpare = 1_000_000;

function malformed(detail: string, parameter?: string): StoreError {
  return new StoreError('BAD_REQUEST', detail, { parameter });
}

function tooManyOperations(operationsMax: number): StoreError {
  const detail = `A batch may have at most ${operationsMax} operations.`;
  return new StoreError('REQUEST_TOO_LARGE', detail, { limit: operationsMax });
}

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw malformed('The body must be valid UTF-8.');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw malformed('The body must be one JSON document, without a byte order mark.');
  }
}

/** @throws StoreError where the request is wrong as a whole */
export function parseBatchEnvelope(body: Buffer, operationsMax: number): readonly unknown[] {
  const elementsMax = operationsMax * elementsPerOperation + elementsSpare;
  // A shorter body can not have as many.
  if (body.length > elementsMax && elementsIn(body, elementsMax) > elementsMax) {
    throw tooManyOperations(operationsMax);
  }
  const json = parseJson(body);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw malformed('The body must be an object with the one member operations.');
  }
  const unknown = Object.keys(json).find((name) => name !== 'operations');
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 64));
    throw malformed(`There is no member ${shown} here; allowed: operations.`, unknown);
  }
  const operations: unknown = 'operations' in json ? json.operations : undefined;
  if (!Array.isArray(operations)) throw malformed('operations must be a list.', 'operations');
  if (operations.length > operationsMax) throw tooManyOperations(operationsMax);
  return operations;
}
