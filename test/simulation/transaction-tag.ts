// A tag in a value tells which transaction has put it.

/** The tag of all values of one attempt of one transaction. No other value has it. */
export function tagOf(client: string, number: number, attempt: number): string {
  return `${client}~${number}~${attempt}~`;
}

/** @returns the tag in a value; undefined if no transaction has put it */
export function tagIn(value: string): string | undefined {
  return /\w+~\d+~\d+~/.exec(value.slice(0, 60))?.[0];
}
