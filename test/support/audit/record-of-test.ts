// A record for tests that care about few of its members.
import type { AuditRecord } from '../../../src/audit/audit-record.ts';

export function recordOfTest(members: Partial<AuditRecord> = {}): AuditRecord {
  return { requestId: 'r-1', user: 'ann', action: 'put', outcome: 'applied', ...members };
}
