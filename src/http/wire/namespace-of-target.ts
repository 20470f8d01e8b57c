// Splits `/ns/{namespace}` off the front of a target. It reads the raw bytes, once: no spelling but
// this one leads into a namespace. Knows no namespace that exists.
import { isNamespaceName } from '../../base/namespace-name.ts';
import { originForm } from './request-target.ts';

const prefix = '/ns/';

/** Spellings that a router or a proxy could take for the prefix. */
const lookalike = /^\/+(?:n|%6e|%4e)(?:s|%73|%53)(?:[/?#]|%2f|$)/i;

export interface NamespacedTarget {
  readonly namespace: string;
  /** The target without the prefix, in the form in which it came: the authority stands for a host. */
  readonly target: string;
}

/**
 * @returns undefined if the target names no namespace in this way; `malformed` if it begins like
 *   one that does
 */
export function namespaceOfTarget(target: string): NamespacedTarget | 'malformed' | undefined {
  const path = originForm(target);
  if (!path.startsWith(prefix)) return lookalike.test(path) ? 'malformed' : undefined;
  const end = path.slice(prefix.length).search(/[/?#]/);
  const name = end === -1 ? path.slice(prefix.length) : path.slice(prefix.length).slice(0, end);
  const rest = path.slice(prefix.length + name.length);
  if (!isNamespaceName(name) || lookalike.test(rest)) return 'malformed';
  const authority = target.slice(0, target.length - path.length);
  return { namespace: name, target: authority + (rest.startsWith('/') ? rest : `/${rest}`) };
}

/** The target as a dialect reads it, whether or not a namespace stands in front. */
export function withoutNamespace(target: string): string {
  const named = namespaceOfTarget(target);
  return named === undefined || named === 'malformed' ? target : named.target;
}
