// Builds the text that `serve` prints once it serves: address, data folder, durability, and a first
// command to try. Prints nothing.
import { resolve } from 'node:path';
import type { Settings } from '../settings/settings-schema.ts';

interface StartFacts {
  readonly version: string;
  /** The server's address, without a slash at the end. */
  readonly url: string;
  readonly settings: Settings;
}

function durabilityOf({ fsync, fsyncIntervalMs }: Settings): string {
  switch (fsync) {
    case 'always':
      return 'always (a write is on stable storage before it is answered)';
    case 'interval':
      return `interval (a power cut may take the last ${fsyncIntervalMs} ms of writes)`;
    case 'never':
      return 'never (a power cut may take writes that the system had not yet stored)';
    default:
      return fsync satisfies never;
  }
}

export function startBlock({ version, url, settings }: StartFacts): string {
  return [
    `Holdfast ${version} listens on ${url}`,
    `  data   ${resolve(settings.dataDir)}`,
    `  fsync  ${durabilityOf(settings)}`,
    `  try    curl -i -X PUT --data-binary hello ${url}/v1/keys/greeting`,
    '',
  ].join('\n');
}
