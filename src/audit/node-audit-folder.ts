// The real folder of the audit log, through Node's asynchronous calls: they leave the main thread free.
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import type { AuditFile, AuditFolder } from './audit-folder.ts';

const lineEnd = 0x0a;

/** Another program may append meanwhile, so each write goes to wherever the end is. */
const appending = 'a+';

export function nodeAuditFolder(folder: string): AuditFolder {
  return {
    async list() {
      try {
        return await fs.readdir(folder);
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async open(name) {
      await fs.mkdir(folder, { recursive: true });
      const handle = await fs.open(join(folder, name), appending);
      try {
        const file = await openFile(handle);
        if (file.bytes === 0) await syncFolder(folder);
        return file;
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
    remove: (name) => fs.unlink(join(folder, name)),
  };
}

async function openFile(handle: fs.FileHandle): Promise<AuditFile> {
  const { size } = await handle.stat();
  return {
    bytes: size,
    endsLine: size === 0 || (await lastByteOf(handle, size)) === lineEnd,
    async append(bytes) {
      return (await handle.write(bytes)).bytesWritten;
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

async function lastByteOf(handle: fs.FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0];
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
