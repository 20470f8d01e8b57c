// Makes whole requests from the templates of a round, for loads that run in Node.
import { expand, type RequestTemplate } from '../rows/request-template.ts';
import type { RoundPlan } from './load.ts';

export interface DrawnRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** The commands of a pipeline are so far apart, so that all their keys differ. */
const stride = 7919;

/** A request for the key with this number. */
export function requestFor(
  template: RequestTemplate,
  { keys, valueBytes }: RoundPlan['conditions'],
  seed: number,
  index: number,
): DrawnRequest {
  const { method, path, body, contentType, commands } = template;
  const fill = (text: string, at: number): string =>
    expand(text, { index: at, seed, valueBytes, keys });
  const filled = () => {
    if (commands === undefined) return body === undefined ? undefined : fill(body, index);
    const texts = Array.from({ length: commands.length }, (_, number) =>
      fill(commands.text, (index + (number + 1) * stride) % keys),
    );
    return `[${texts.join(',')}]`;
  };
  const text = filled();
  return {
    method,
    path: fill(path, index),
    ...(contentType !== undefined && { headers: { 'content-type': contentType } }),
    ...(text !== undefined && { body: text }),
  };
}

/** So many requests, as the shares of the templates say. */
export function drawnRequests(
  { templates, conditions, seed }: RoundPlan,
  draw: () => number,
  random: () => number,
  length: number,
): DrawnRequest[] {
  const [first, second] = templates;
  if (first === undefined) throw new Error('a round needs a template');
  return Array.from({ length }, () => {
    const chosen = second !== undefined && random() * 100 >= first.percent ? second : first;
    return requestFor(chosen.template, conditions, seed, draw());
  });
}
