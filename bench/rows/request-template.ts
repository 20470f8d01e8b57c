// Requests as texts with placeholders, which every load can fill in: $key and $value, and $key64 and
// $value64 for the same in Base64. A dialect has one template for each kind of work.
import { isPipeline, type Work } from './row.ts';

export interface RequestTemplate {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** The body is an array of so many of these texts, each with another key. */
  readonly commands?: { readonly text: string; readonly length: number };
  /** Its replies are the value alone. */
  readonly returnsValue?: true;
  /** A reply without this text is wrong. */
  readonly replyHolds?: string;
}

/** One of the requests of a work, and its share of them in percent. */
export interface WeightedTemplate {
  readonly percent: number;
  readonly template: RequestTemplate;
}

export interface Dialect {
  readonly get: RequestTemplate;
  readonly put: RequestTemplate;
  readonly incr?: RequestTemplate;
  /** Texts of commands, and the path that takes an array of them. */
  readonly pipeline?: {
    readonly path: string;
    readonly get: string;
    readonly set: string;
  };
}

/** The dialect of Holdfast, and of every server that stands in for it. */
export const restDialect: Dialect = {
  get: { method: 'GET', path: '/v1/keys/$key', returnsValue: true },
  put: { method: 'PUT', path: '/v1/keys/$key', body: '$value' },
  incr: {
    method: 'POST',
    path: '/upstash',
    body: '["INCR","$key"]',
    contentType: 'application/json',
  },
  pipeline: {
    path: '/upstash/pipeline',
    get: '["GET","$key"]',
    set: '["SET","$key","$value"]',
  },
};

/** @returns the requests of a work; undefined if the dialect has none for it */
export function templatesFor(
  dialect: Dialect,
  work: Work,
): readonly WeightedTemplate[] | undefined {
  if (isPipeline(work)) {
    if (dialect.pipeline === undefined) return undefined;
    const { path, [work.command]: text } = dialect.pipeline;
    const template: RequestTemplate = {
      method: 'POST',
      path,
      contentType: 'application/json',
      commands: { text, length: work.length },
      replyHolds: work.command === 'set' ? '{"result":"OK"}' : '{"result":"value-',
    };
    return [{ percent: 100, template }];
  }
  if (typeof work === 'object') {
    return [
      { percent: work.getPercent, template: dialect.get },
      { percent: 100 - work.getPercent, template: dialect.put },
    ];
  }
  const template = dialect[work];
  return template === undefined ? undefined : [{ percent: 100, template }];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Fills in the placeholders of a text. */
export function expand(text: string, key: string, value: string): string {
  const texts: Record<string, string> = {
    $key: key,
    $value: value,
    $key64: base64(key),
    $value64: base64(value),
  };
  return text.replaceAll(/\$(?:key|value)(?:64)?/g, (name) => texts[name] ?? name);
}
