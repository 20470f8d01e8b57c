// Judges whether a certificate and a private key make a pair that a server can use. Knows PEM, and
// not how the files are read or when they change.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { systemErrorCode } from '../../base/errors.ts';

/** The files of a pair; messages name them. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The bytes of the two files. */
export interface PemPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A pair that fits together, and facts of its first certificate. */
export interface TlsPair extends PemPair {
  readonly subject: string;
  /** The first and the last moment at which clients accept the certificate, Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The message is one line: which file, its fault, and the values that are allowed. */
export class TlsPairError extends Error {
  override readonly name = 'TlsPairError';
}

/** Older versions of TLS are broken. */
export const tlsVersionMin = 'TLSv1.2';

/** @throws TlsPairError if a server cannot use the pair */
export function checkPair({ cert, key }: PemPair, files: TlsFiles): TlsPair {
  const { certFile, keyFile } = files;
  const certificate = certificateIn(cert, certFile);
  if (!certificate.checkPrivateKey(privateKeyIn(key, keyFile))) {
    const allowed = 'the private key of the first certificate in that file';
    throw new TlsPairError(
      `tlsKey ${keyFile}: does not fit tlsCert ${certFile}; allowed: ${allowed}`,
    );
  }
  checkUse({ cert, key }, certFile);
  const { subject, subjectAltName = '', validFrom, validTo } = certificate;
  return {
    cert,
    key,
    // Certificates of today may have names only in the extension.
    subject: (subject ?? '').replaceAll('\n', ', ') || subjectAltName,
    notBeforeMs: Date.parse(validFrom),
    notAfterMs: Date.parse(validTo),
  };
}

function certificateIn(cert: Buffer, certFile: string): X509Certificate {
  if (!/^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/m.test(cert.toString('latin1'))) {
    throw new TlsPairError(
      `tlsCert ${certFile}: has no PEM certificate; allowed: one in PEM, with its chain behind it`,
    );
  }
  try {
    return new X509Certificate(cert);
  } catch (error) {
    throw unusable('tlsCert', certFile, error);
  }
}

function privateKeyIn(key: Buffer, keyFile: string): KeyObject {
  const text = key.toString('latin1');
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new TlsPairError(
      `tlsKey ${keyFile}: is encrypted; allowed: a private key in PEM without a passphrase`,
    );
  }
  if (!/^-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----/m.test(text)) {
    throw new TlsPairError(
      `tlsKey ${keyFile}: has no PEM private key; allowed: one without a passphrase`,
    );
  }
  try {
    return createPrivateKey(key);
  } catch (error) {
    throw unusable('tlsKey', keyFile, error);
  }
}

/** OpenSSL refuses more than this file knows, such as short keys, and bad certificates behind the first. */
function checkUse(pair: PemPair, certFile: string): void {
  try {
    createSecureContext({ ...pair, minVersion: tlsVersionMin });
  } catch (error) {
    throw unusable('tlsCert', certFile, error);
  }
}

function unusable(setting: 'tlsCert' | 'tlsKey', file: string, error: unknown): TlsPairError {
  const why = error instanceof Error ? error.message : String(error);
  const code = systemErrorCode(error);
  const name = code === undefined || why.includes(code) ? '' : ` (${code})`;
  return new TlsPairError(`${setting} ${file}: cannot be used: ${why}${name}`);
}

/** @returns a reason why clients refuse the certificate at this moment; undefined if there is none */
export function reasonAgainst(pair: TlsPair, nowMs: number): string | undefined {
  if (pair.notAfterMs < nowMs) return 'it has expired';
  return pair.notBeforeMs > nowMs ? 'it is not valid yet' : undefined;
}
