import { expect, test } from 'vitest';
import { decodeKeptAnswer, encodeKeptAnswer } from '../../../src/http/idempotency/kept-answer.ts';

test.each([
  ['no body', Buffer.alloc(0)],
  ['text', Buffer.from('{"result":"é漢 \u{feff}"}')],
  ['any bytes', Buffer.from([0xff, 0x00, 0x0a])],
])('an answer with %s is read back as it was kept', (_, body) => {
  const answer = { fingerprint: 'f', status: 201, headers: { etag: '"7"' }, body };
  expect(decodeKeptAnswer(encodeKeptAnswer(answer))).toEqual(answer);
});
