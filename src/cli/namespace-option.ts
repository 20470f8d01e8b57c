// Defines the options that take the name of a namespace. Knows no store.
import { Option } from 'commander';
import { isNamespaceName, namespaceNameRule } from '../base/namespace-name.ts';
import { usageError } from './command-error.ts';

export function namespaceOption(name: 'namespace' | 'as', description: string): Option {
  return new Option(`--${name} <name>`, description).argParser((typed: string) => {
    if (isNamespaceName(typed)) return typed;
    throw usageError(`--${name} is ${JSON.stringify(typed)}; a namespace ${namespaceNameRule}`);
  });
}
