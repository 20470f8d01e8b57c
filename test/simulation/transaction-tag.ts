// What stands in a value, so that it can be told which transaction has put it.

/** Stands in all values of one attempt of one transaction, and in no others. */
export function tagOf(client: string, number: number, attempt: number): string {
  return `${client}~${number}~${attempt}~`;
}

/** The tag in a value; undefined where no transaction has put it. */
export function tagIn(value: string): string | undefined {
  return /\w+~\d+~\d+~/.exec(value.slice(0, 60))?.[0];
}
