// A pair is taken if a server can use it. Each fault is told with its file.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  checkPair,
  reasonAgainst,
  TlsPairError,
  type PemPair,
} from '../../../src/http/tls/tls-pair.ts';
import { pemFile, pemPair } from '../../support/http/pem-pairs.ts';

const files = { certFile: '/etc/cert.pem', keyFile: '/etc/key.pem' };
const one = pemPair('one');
const other = pemPair('other');

function faultOf(pair: PemPair): string {
  try {
    checkPair(pair, files);
  } catch (error) {
    if (error instanceof TlsPairError) return error.message;
    throw error;
  }
  throw new Error('the pair was taken');
}

describe('a pair', () => {
  test('is taken with the facts of its certificate', () => {
    expect(checkPair(one, files)).toEqual({
      ...one,
      subject: 'CN=Holdfast test one',
      notBeforeMs: Date.UTC(2020, 0, 1),
      notAfterMs: Date.UTC(2120, 0, 1),
    });
  });

  test('may have a chain behind its certificate', () => {
    const cert = Buffer.concat([one.cert, other.cert]);
    expect(checkPair({ ...one, cert }, files).subject).toBe('CN=Holdfast test one');
  });

  test('may be one file with both', () => {
    const both = Buffer.concat([one.key, one.cert]);
    expect(checkPair({ cert: both, key: both }, files).subject).toBe('CN=Holdfast test one');
  });

  test('is refused by clients before and after its time, and not within', () => {
    const pair = checkPair(one, files);
    expect(reasonAgainst(pair, Date.UTC(2019, 11, 31))).toBe('it is not valid yet');
    expect(reasonAgainst(pair, Date.UTC(2026, 0, 1))).toBeUndefined();
    expect(reasonAgainst(pair, Date.UTC(2120, 0, 2))).toBe('it has expired');
  });
});

const half = (pem: Buffer): Buffer => pem.subarray(0, pem.length / 2);
const broken = (pem: Buffer): Buffer =>
  Buffer.from(pem.toString().replace(/M[^\n]{8}/, 'AAAAAAAAA'));
const encrypted = readFileSync(pemFile('one-key-encrypted'));
const encryptedOfOld = Buffer.from(
  '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAA==\n-----END EC PRIVATE KEY-----\n',
);

describe('a fault of a pair names its file', () => {
  test.each<[string, PemPair, string]>([
    [
      'no certificate',
      { ...one, cert: Buffer.from('none') },
      'tlsCert /etc/cert.pem: has no PEM certificate; allowed: ',
    ],
    [
      'an empty file',
      { ...one, cert: Buffer.alloc(0) },
      'tlsCert /etc/cert.pem: has no PEM certificate; ',
    ],
    [
      'a key as certificate',
      { ...one, cert: one.key },
      'tlsCert /etc/cert.pem: has no PEM certificate; ',
    ],
    [
      'half a certificate',
      { ...one, cert: half(one.cert) },
      'tlsCert /etc/cert.pem: cannot be used: ',
    ],
    [
      'a broken certificate',
      { ...one, cert: broken(one.cert) },
      'tlsCert /etc/cert.pem: cannot be used: ',
    ],
    [
      'a broken chain',
      { ...one, cert: Buffer.concat([one.cert, broken(other.cert)]) },
      'tlsCert /etc/cert.pem: cannot be used: ',
    ],
    [
      'no key',
      { ...one, key: Buffer.from('none') },
      'tlsKey /etc/key.pem: has no PEM private key; allowed: ',
    ],
    [
      'a certificate as key',
      { ...one, key: one.cert },
      'tlsKey /etc/key.pem: has no PEM private key; ',
    ],
    ['half a key', { ...one, key: half(one.key) }, 'tlsKey /etc/key.pem: cannot be used: '],
    ['a broken key', { ...one, key: broken(one.key) }, 'tlsKey /etc/key.pem: cannot be used: '],
    [
      'an encrypted key',
      { ...one, key: encrypted },
      'tlsKey /etc/key.pem: is encrypted; allowed: ',
    ],
    [
      'a key encrypted as of old',
      { ...one, key: encryptedOfOld },
      'tlsKey /etc/key.pem: is encrypted; ',
    ],
    [
      'the key of another pair',
      { ...one, key: other.key },
      'tlsKey /etc/key.pem: does not fit tlsCert /etc/cert.pem; allowed: ',
    ],
  ])('%s', (_, pair, fault) => {
    const message = faultOf(pair);
    expect(message.slice(0, fault.length)).toBe(fault);
    expect(message).not.toMatch(/[\n\r]|PRIVATE KEY-/);
  });
});
