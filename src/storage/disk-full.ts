// Recognizes the system errors that mean no room: on the disk, in the quota, or in one file.
import { StoreError, systemErrorCode } from '../base/errors.ts';

const codes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function isDiskFull(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'DISK_FULL';
  return codes.has(systemErrorCode(error) ?? '');
}
