// Defines and parses the option `--shards` of the commands that make a layout.
import { Option } from 'commander';
import { shardCountMax } from '../base/limits.ts';
import { usageError } from './command-error.ts';

export function shardsOption(description: string): Option {
  return new Option('--shards <shards>', `${description} (allowed: ${allowed})`).argParser(parse);
}

const allowed = `an integer from 1 to ${shardCountMax}`;

function parse(typed: string): number {
  const shards = /^\d{1,9}$/.test(typed) ? Number(typed) : 0;
  if (shards >= 1 && shards <= shardCountMax) return shards;
  throw usageError(`--shards is "${typed}"; allowed: ${allowed}`);
}
