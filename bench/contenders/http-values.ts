// Reads values over HTTP, to check what a contender holds.

/**
 * @returns the body of a reply; undefined for 404
 * @throws Error if the reply is neither a success nor 404
 */
export async function textAt(url: string, request: RequestInit = {}): Promise<string | undefined> {
  const reply = await fetch(url, request);
  const text = Buffer.from(await reply.arrayBuffer()).toString('latin1');
  if (reply.status === 404) return undefined;
  if (!reply.ok) throw new Error(`${url} was answered ${reply.status} ${text.slice(0, 200)}`);
  return text;
}
