import { describe, expect, test } from 'vitest';
import { array, bulk, error, integer, nil, ok, status } from '../../../src/commands/reply.ts';
import { envelope, resp2 } from '../../../src/http/upstash/envelope.ts';

const bytes = '\u{ff}\0';
const text = Buffer.from('é').toString('latin1');

describe('as JSON', () => {
  test.each([
    ['OK', ok, '{"result":"OK"}'],
    ['a status', status('PONG'), '{"result":"PONG"}'],
    ['nothing', nil, '{"result":null}'],
    ['text', bulk(text), '{"result":"é"}'],
    ['an integer', integer(-3), '{"result":-3}'],
    ['an integer beyond 2^53', integer(2n ** 63n - 1n), '{"result":9223372036854775807}'],
    ['an array', array([bulk('a'), nil, integer(1), array([])]), '{"result":["a",null,1,[]]}'],
    ['an error', error('no such key "x"'), '{"error":"ERR no such key \\"x\\""}'],
  ])('%s', (_, reply, expected) => {
    expect(envelope(reply, 'text')).toBe(expected);
  });
});

describe('in base64', () => {
  test('bytes are exact, and so is OK within an array', () => {
    expect(envelope(array([bulk(bytes), bulk('OK'), nil, integer(1)]), 'base64')).toBe(
      '{"result":["/wA=","T0s=",null,1]}',
    );
  });

  test('the status OK alone stays as it is, a value OK does not', () => {
    expect(envelope(ok, 'base64')).toBe('{"result":"OK"}');
    expect(envelope(bulk('OK'), 'base64')).toBe('{"result":"T0s="}');
    expect(envelope(status('PONG'), 'base64')).toBe('{"result":"UE9ORw=="}');
  });

  test('errors are never encoded', () => {
    expect(envelope(error('no'), 'base64')).toBe('{"error":"ERR no"}');
  });
});

test('in RESP 2, bytes come as they are', () => {
  const reply = array([ok, bulk(bytes), nil, integer(2n ** 63n - 1n), error('no'), array([])]);
  expect(resp2(reply).toString('latin1')).toBe(
    `*6\r\n+OK\r\n$2\r\n${bytes}\r\n$-1\r\n:9223372036854775807\r\n-ERR no\r\n*0\r\n`,
  );
});
