// Small files that are one sealed line: an object that is read and replaced whole.
import { damaged } from './damage.ts';
import { noChecksum, openLine, parseLine, sealLine } from './sealed-line.ts';

const newline = 0x0a;

export function encodeSealedFile(object: object): Buffer {
  const { bytes } = sealLine(JSON.stringify(object).slice(0, -1), noChecksum);
  return Buffer.concat([bytes, Buffer.from([newline])]);
}

/**
 * @param name for errors, relative to the data folder
 * @throws StoreError STORE_DAMAGED where it does not prove itself
 */
export function decodeSealedFile(bytes: Buffer, name: string): Record<string, unknown> {
  const line = bytes.subarray(0, -1);
  const opened = bytes.at(-1) === newline ? openLine(line) : undefined;
  if (opened === undefined || opened.previous !== noChecksum) {
    throw damaged({ file: name, line: 1, offset: 0 }, 'it does not match its checksum');
  }
  return parseLine(line) as Record<string, unknown>;
}
