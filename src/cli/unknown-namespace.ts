// The error for a namespace that a folder or a backup does not have. It names those that are there.
import { isNamespaceName } from '../base/namespace-name.ts';
import { CommandError, exitCodes } from './command-error.ts';

/** More names would hide the error. */
const shownMax = 20;

/**
 * @param place the folder or file that was searched
 * @param found names of the namespaces that have entries there
 */
export function unknownNamespace(
  place: string,
  namespace: string,
  found: readonly string[],
): CommandError {
  // The names of the program's own namespaces cannot be typed.
  const names = found.filter(isNamespaceName);
  const shown = names.slice(0, shownMax).join(', ');
  const more = names.length > shownMax ? ` and ${names.length - shownMax} more` : '';
  const there = names.length === 0 ? 'no namespace has any' : `these have some: ${shown}${more}`;
  const message = `${place} has no entry in the namespace ${namespace}; ${there}`;
  return new CommandError(exitCodes.failed, message);
}
