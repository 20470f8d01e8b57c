// Makes finished requests of HTTP/1.1 as bytes, for loads that send texts as they are. Knows templates
// and draws by drawn-requests.ts, and no load.
import { keyDrawer } from '../rows/key-draw.ts';
import { randomStream } from '../workload.ts';
import { drawnRequests, requestFor, type DrawnRequest } from './drawn-requests.ts';
import type { RoundPlan } from './load.ts';

/** A load repeats its texts, so there are about as many as a second takes, if memory allows. */
const textsMax = 100_000;
const textsBytesMax = 32 * 1024 * 1024;
const textsLeast = 16;

const lengthDigits = 8;

/** @returns a whole request of ASCII alone */
export function requestText(
  { method, path, headers = {}, body }: DrawnRequest,
  host: string,
  token: string | undefined,
): string {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`];
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`content-length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** @returns how many texts a round draws in advance */
export function textsFor({ url, templates, conditions, seed, token }: RoundPlan): number {
  const { host } = new URL(url);
  const lengths = templates.map(
    ({ template }) =>
      requestText(requestFor(template, conditions, seed, 0), host, token).length + lengthDigits,
  );
  const fitting = Math.floor(textsBytesMax / Math.max(...lengths));
  return Math.max(textsLeast, Math.min(textsMax, fitting));
}

/** The texts of a round one after the other, each behind its length in eight digits. */
export function requestTextsFile(plan: RoundPlan): Buffer {
  const { url, conditions, seed, token } = plan;
  const random = randomStream(seed);
  const draw = keyDrawer(conditions.keys, conditions.draw, random);
  const { host } = new URL(url);
  const texts = drawnRequests(plan, draw, random, textsFor(plan)).map((request) => {
    const text = requestText(request, host, token);
    return String(text.length).padStart(lengthDigits, '0') + text;
  });
  return Buffer.from(texts.join(''), 'latin1');
}
