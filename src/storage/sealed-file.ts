// Small files of one sealed line. The program reads and replaces such a file whole.
// Knows no file by its name.
import { damaged } from './damage.ts';
import { noChecksum, openLine, parseLine, sealLine } from './sealed-line.ts';

const newline = 0x0a;

export function encodeSealedFile(object: object): Buffer {
  const { bytes } = sealLine(JSON.stringify(object).slice(0, -1), noChecksum);
  return Buffer.concat([bytes, Buffer.from([newline])]);
}

/**
 * @param name for errors, relative to the data folder
 * @throws StoreError STORE_DAMAGED if the line does not match its checksum
 */
export function decodeSealedFile(bytes: Buffer, name: string): Record<string, unknown> {
  const line = bytes.subarray(0, -1);
  const opened = bytes.at(-1) === newline ? openLine(line) : undefined;
  if (opened === undefined || opened.previous !== noChecksum) {
    throw damaged({ file: name, line: 1, offset: 0 }, 'it does not match its checksum');
  }
  return parseLine(line) as Record<string, unknown>;
}
