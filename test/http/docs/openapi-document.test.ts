// The texts of /docs are in plain technical English; CONTRIBUTING.md has the rules.
import { expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';

/** The members of an OpenAPI document that are sentences for people. */
const sentenceMembers: ReadonlySet<string> = new Set(['description', 'summary', 'title']);

function textsOf(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, member]: [string, unknown]) =>
    typeof member === 'string' && sentenceMembers.has(name) ? [member] : textsOf(member),
  );
}

test('no text begins with What, Who or Where, and none has where for if', async () => {
  const { url } = await openApp();
  const texts = textsOf(await (await fetch(`${url}/docs/json`)).json());
  expect(texts.length).toBeGreaterThan(100);
  const vague = /(?:^|[.:;]\s)(?:What|Who|Where)\b|\bwhere\b/;
  expect(texts.filter((text) => vague.test(text))).toEqual([]);
});
