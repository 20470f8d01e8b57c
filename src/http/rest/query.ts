// Reads query parameters strictly: each is known, appears once, and is valid UTF-8. Knows no
// parameter by its name.
import { StoreError } from '../../base/errors.ts';
import { textOfByteString } from '../../base/byte-string.ts';
import { percentDecode } from '../wire/percent-decode.ts';

/** Parameters by name, as byte strings. */
export type Query = ReadonlyMap<string, string>;

const noParameters: Query = new Map();

export function badParameter(parameter: string, detail: string): StoreError {
  return new StoreError('BAD_REQUEST', detail, { parameter });
}

function decode(text: string): string {
  const decoded = percentDecode(text.replaceAll('+', ' '));
  if (decoded !== undefined) return decoded;
  throw new StoreError('BAD_REQUEST', 'The query must be valid percent-encoding of valid UTF-8.');
}

/** @param text the query, without its `?` */
export function parseQuery(text: string, allowed: readonly string[]): Query {
  if (text === '') return noParameters;
  const query = new Map<string, string>();
  const allowedText = allowed.length === 0 ? 'none' : allowed.join(', ');
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    if (!allowed.includes(name)) {
      const unknown = textOfByteString(name);
      const detail = `There is no parameter ${JSON.stringify(unknown)} here; allowed: ${allowedText}.`;
      throw badParameter(unknown, detail);
    }
    if (query.has(name)) {
      throw badParameter(
        name,
        `${name} stands more than once; allowed, once each: ${allowedText}.`,
      );
    }
    query.set(name, value);
  }
  return query;
}
