// Reads the members of a JSON object that a client sent. Coerces no member and ignores none. Knows
// no member by name.
import { StoreError } from './errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Characters of an unknown name that an error shows: the name may be megabytes long. */
const shownCharacters = 64;

export function badMember(member: string | undefined, detail: string): StoreError {
  return new StoreError('BAD_REQUEST', detail, { parameter: member });
}

export function unknownMember(name: string, allowed: Iterable<string>): StoreError {
  const shown = name.slice(0, shownCharacters);
  const known = [...allowed].join(', ');
  return badMember(shown, `There is no member ${JSON.stringify(shown)} here; allowed: ${known}.`);
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

export function refuseUnknownMembers(item: JsonObject, allowed: ReadonlySet<string>): void {
  for (const name of Object.keys(item)) if (!allowed.has(name)) throw unknownMember(name, allowed);
}
