import { describe, expect, test } from 'vitest';
import { parseHeaderBlock } from '../../../src/http/lane/head-parser.ts';

const lengthOf = (line: string) => parseHeaderBlock(`Host: a\r\n${line}`);

describe('a length', () => {
  test.each([
    'Content-Length: 70',
    'content-length:70',
    'content-length:\t70',
    'content-length: 70  ',
  ])('is plain in %j', (line) => expect(lengthOf(line)).toMatchObject({ contentLength: 70 }));

  test.each([
    'content-length: 70\t',
    'content-length: 70 \t',
    'content-length: 7 0',
    'content-length: +7',
  ])('is none in %j, and the request is handed over', (line) =>
    expect(lengthOf(line)).toBe('framing'),
  );
});
