// Owns which names of namespaces a client may use. The store's own namespaces have names that this
// rule refuses, so that no client can name them.
import { StoreError } from './errors.ts';

export const namespaceNameMax = 64;

export const namespaceNamePattern = new RegExp(
  `^[A-Za-z0-9_-][A-Za-z0-9._-]{0,${namespaceNameMax - 1}}$`,
);

/** The rule, for errors: it goes on a sentence that begins with "A namespace". */
export const namespaceNameRule =
  `has 1 to ${namespaceNameMax} characters of A-Z, a-z, 0-9, ".", "_" and "-", ` +
  'and does not begin with a dot';

export function isNamespaceName(name: unknown): name is string {
  return typeof name === 'string' && namespaceNamePattern.test(name);
}

/**
 * @param parameter the header, member or part of the path that holds the name
 * @throws StoreError NAMESPACE_INVALID
 */
export function checkNamespaceName(name: unknown, parameter: string): asserts name is string {
  if (isNamespaceName(name)) return;
  throw new StoreError('NAMESPACE_INVALID', `A namespace ${namespaceNameRule}.`, { parameter });
}

/** True for a namespace of the store's own records. */
export function isInternalNamespace(name: string): boolean {
  return name.startsWith('~');
}

/** The answers that are kept for requests in this namespace. */
export function keptAnswersOf(namespace: string): string {
  return `~kept.${namespace}`;
}

/** The locks of this namespace. */
export function locksOf(namespace: string): string {
  return `~locks.${namespace}`;
}

/** The namespaces whose entries count to this one, itself among them. */
export function namespacesCountedTo(namespace: string): readonly string[] {
  return [namespace, keptAnswersOf(namespace), locksOf(namespace)];
}

const countedPattern = /^~(?:kept|locks)\./;

/** The namespace to which the entries of this one count. */
export function ownerOfNamespace(name: string): string {
  return isInternalNamespace(name) ? name.replace(countedPattern, '') : name;
}
