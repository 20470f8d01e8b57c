// Judges RFC 9110 conditions against the version of an entry. Knows no header.
import type { Conditions, VersionMatch } from './operation.ts';

function matches(match: VersionMatch, version: number): boolean {
  if (version === 0) return false;
  return match === '*' || match.includes(version);
}

/** @param version the present version, or 0 if there is no entry */
export function conditionsHold(conditions: Conditions, version: number): boolean {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== undefined && !matches(ifMatch, version)) return false;
  return ifNoneMatch === undefined || !matches(ifNoneMatch, version);
}
