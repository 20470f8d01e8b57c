// Makes text from outside fit for a line that a person reads.

/** Characters that show as nothing, as a plain space, or as another line. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** The text with such characters as escapes: a byte order mark is `\ufeff`. */
export function visibleText(text: string): string {
  return text.replaceAll(invisible, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/** Index of the first invisible character that is not a line break or tab; -1 if there is none. */
export function indexOfInvisible(text: string): number {
  return text.replaceAll(/[\r\n\t]/g, ' ').search(invisible);
}

/** The name as it is, or in quotes if a reader could mistake it for something else. */
export function visibleName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : visibleText(JSON.stringify(name));
}
