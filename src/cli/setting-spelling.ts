// Derives the two other spellings of a setting's name: `dataDir` is HOLDFAST_DATA_DIR in the
// environment and --data-dir on the command line.

export const environmentPrefix = 'HOLDFAST_';

/** Not settings: a file of settings may be read by many, and its values are shown in messages. */
export const tokenVariable = 'HOLDFAST_TOKEN';
export const readTokenVariable = 'HOLDFAST_READ_TOKEN';

/** `MiB` is one word, not two. */
function wordsOf(name: string): string[] {
  const words = name.match(/MiB|[A-Z]?[a-z0-9]+/g) ?? [];
  return words.map((word) => word.toLowerCase());
}

export function environmentNameOf(setting: string): string {
  return environmentPrefix + wordsOf(setting).join('_').toUpperCase();
}

export function flagOf(setting: string): string {
  return `--${wordsOf(setting).join('-')}`;
}
