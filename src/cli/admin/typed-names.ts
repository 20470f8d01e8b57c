// Checks the names and values that commands of administration take, before anything is sent. The rules
// are those of src/access: only the exit code is another one.
import { isTokenId } from '../../access/token.ts';
import { checkUserName } from '../../access/user-name.ts';
import { StoreError } from '../../base/errors.ts';
import { isNamespaceName, namespaceNameRule } from '../../base/namespace-name.ts';
import { usageError } from '../command-error.ts';

/** Runs a check of src/access. Its refusal becomes one of wrong usage. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof StoreError) throw usageError(error.message);
    throw error;
  }
}

export function typedUser(typed: string): string {
  asUsage(() => checkUserName(typed));
  return typed;
}

export function typedNamespace(typed: string): string {
  if (isNamespaceName(typed)) return typed;
  throw usageError(`the namespace is ${JSON.stringify(typed)}; a namespace ${namespaceNameRule}`);
}

/** The message does not show the text: it may be a whole token. */
export function typedTokenId(typed: string): string {
  if (isTokenId(typed)) return typed;
  throw usageError(
    'the id of the token (not shown) is not one; allowed: 12 characters of a-z and 0-9, as ' +
      'holdfast token list prints them',
  );
}
