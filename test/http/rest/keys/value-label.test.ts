import { expect, test } from 'vitest';
import { labelOfAccept } from '../../../../src/http/rest/keys/value-label.ts';

const bytes = 'application/octet-stream';
const text = 'text/plain; charset=utf-8';
const json = 'application/json';

test.each([
  [undefined, bytes],
  ['', bytes],
  ['*/*', bytes],
  ['application/octet-stream', bytes],
  ['application/*', bytes],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8', bytes],
  ['application/json, text/plain, */*', bytes],
  ['image/png', bytes],
  ['application/json', json],
  ['Application/JSON', json],
  ['application/json; charset=utf-8', json],
  ['application/json;version=2', bytes],
  ['text/plain', text],
  ['text/*', text],
  ['text/plain;charset="UTF-8"', text],
  ['text/plain;charset=iso-8859-1', bytes],
  ['application/json, text/plain', json],
  ['text/plain, application/json', text],
  ['application/json;q=0.5, text/plain', text],
  ['text/plain;q=0.5, application/json;q=0.9, */*;q=0.1', json],
  ['application/json, */*;q=0.1', json],
  ['*/*, application/octet-stream;q=0', text],
  ['application/json;q=0', bytes],
  ['text/plain;q=0, */*', bytes],
  ['application/json;q=2', bytes],
  ['garbage', bytes],
  [',,;;q=,', bytes],
])('Accept %j gets %s', (accept, label) => {
  expect(labelOfAccept(accept)).toBe(label);
});

test('no label is ever active content, and many different headers do not pile up', () => {
  for (let i = 0; i < 2000; i++) {
    expect([bytes, text, json]).toContain(labelOfAccept(`text/html;level=${i}, image/svg+xml`));
  }
});
