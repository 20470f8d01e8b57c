// Requests as texts with placeholders, which every load can fill in: $key and $value; $other and
// $otherValue for a key of another shard; $prefix for the start of a hundred keys. $key64 and the like are
// the same in Base64. A dialect has one template for each kind of work.
import { keyOf } from '../workload.ts';
import { otherIndex } from './other-index.ts';
import { isPipeline, type Work } from './row.ts';
import { seededValue } from './values.ts';

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
  readonly list?: RequestTemplate;
  /** Writes two keys of different shards, both or none. */
  readonly transaction?: RequestTemplate;
  /** Texts of commands, and the path that takes an array of them. */
  readonly pipeline?: {
    readonly path: string;
    readonly get: string;
    readonly set: string;
  };
}

/** A page has the keys that differ in so many last digits. */
const pageDigits = 2;

const putInTransaction = (key: string, value: string): string =>
  `{"op":"put","key":"${key}","value":"${value}"}`;

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
  list: {
    method: 'GET',
    path: '/v1/keys?prefix=$prefix&limit=100',
    // The last key of a page: it is whole.
    replyHolds: '99","version":',
  },
  transaction: {
    method: 'POST',
    path: '/v1/transactions',
    body: `{"operations":[${putInTransaction('$key', '$value')},${putInTransaction('$other', '$otherValue')}]}`,
    contentType: 'application/json',
    replyHolds: '{"committed":true,',
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
    const rest = dialect[work.rest];
    if (rest === undefined) return undefined;
    return [
      { percent: work.getPercent, template: dialect.get },
      { percent: 100 - work.getPercent, template: rest },
    ];
  }
  const template = dialect[work];
  return template === undefined ? undefined : [{ percent: 100, template }];
}

/** Tells which key and value the placeholders of a request stand for. */
export interface Filling {
  /** The number of the key. */
  readonly index: number;
  readonly seed: number;
  readonly valueBytes: number;
  /** Of so many keys. */
  readonly keys: number;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

const keyIn = ({ index }: Filling): string => keyOf(index);
const valueIn = ({ index, seed, valueBytes }: Filling): string =>
  seededValue(index, seed, valueBytes);
const otherIn = (filling: Filling): Filling => ({
  ...filling,
  index: otherIndex(filling.index, filling.keys),
});

const makers: Record<string, (filling: Filling) => string> = {
  $key: keyIn,
  $value: valueIn,
  $key64: (filling) => base64(keyIn(filling)),
  $value64: (filling) => base64(valueIn(filling)),
  $prefix: (filling) => keyIn(filling).slice(0, -pageDigits),
  $other: (filling) => keyIn(otherIn(filling)),
  $otherValue: (filling) => valueIn(otherIn(filling)),
  $other64: (filling) => base64(keyIn(otherIn(filling))),
  $otherValue64: (filling) => base64(valueIn(otherIn(filling))),
};

type Part = string | ((filling: Filling) => string);

/** Templates are few, and each is filled in a hundred thousand times a round. */
const partsOf = new Map<string, readonly Part[]>();

function takeApart(text: string): readonly Part[] {
  const known = partsOf.get(text);
  if (known !== undefined) return known;
  const words = text.split(/(\$(?:otherValue|other|value|key|prefix)(?:64)?)/);
  const parts = words.map((word): Part => makers[word] ?? word);
  partsOf.set(text, parts);
  return parts;
}

/** Fills in the placeholders of a text. */
export function expand(text: string, filling: Filling): string {
  let filled = '';
  for (const part of takeApart(text)) filled += typeof part === 'string' ? part : part(filling);
  return filled;
}
