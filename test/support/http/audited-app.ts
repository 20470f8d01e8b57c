// An app whose namespace `app` is audited, with its audit log on a disk in memory.
import { AuditLog, type AuditLogOptions } from '../../../src/audit/audit-log.ts';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { namespaceDefaults, type Audit } from '../../../src/access/namespace-settings.ts';
import { MemoryAuditFolder } from '../audit/memory-audit-folder.ts';
import { bearer, closedAccess, fullToken } from './closed-access.ts';
import { makeNamespaces, openApp } from './open-app.ts';
import { makeToken } from './open-roles.ts';
import type { AppChanges } from './start-app.ts';

export interface AuditedAppChanges extends AppChanges {
  readonly audit?: Audit;
  readonly log?: Partial<AuditLogOptions>;
  /** Of the token `laptop` of the user `ann`. */
  readonly grants?: readonly GrantDocument[];
}

export type SentRequest = readonly [method: string, target: string, body?: string];

export async function openAuditedApp({
  audit = 'all',
  log,
  grants,
  ...changes
}: AuditedAppChanges = {}) {
  const folder = new MemoryAuditFolder();
  const auditLog = new AuditLog({
    folder,
    fileBytesMax: 64 * 1024 * 1024,
    filesMax: 10,
    onFull: 'refuse',
    nowMs: () => 1_764_000_000_000,
    logger: { error: () => undefined, info: () => undefined },
    // The test says when records are written.
    later: () => undefined,
    ...log,
  });
  const opened = await openApp({ auditLog, access: closedAccess(), ...changes });
  const { access, url } = opened;
  await makeNamespaces(access, 'open');
  await access.namespaces.put('app', { ...namespaceDefaults, audit });
  // A token would make an open server require one.
  const ann = access.callers.isOpen
    ? { id: '', token: '' }
    : await makeToken(access, 'ann', grants ?? [{ namespace: 'app', role: 'admin' }]);

  const sendAs = async (token: string, [method, target, body]: SentRequest, headers = {}) => {
    const reply = await fetch(url + target, {
      method,
      headers: { 'holdfast-request-id': 'r-1', ...bearer(token), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    return { status: reply.status, text: await reply.text() };
  };
  const send = (request: SentRequest, headers = {}) => sendAs(ann.token, request, headers);
  const sendAsAdmin = (request: SentRequest, headers = {}) => sendAs(fullToken, request, headers);

  /** Has everything written. @returns the records since the last call, without what all share */
  let seen = 0;
  const records = async (): Promise<Record<string, unknown>[]> => {
    await auditLog.close();
    const all = folder.records;
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh.map(({ at: _at, ...rest }) => rest);
  };
  return { ...opened, auditLog, folder, ann, send, sendAs, sendAsAdmin, records };
}

/** The members that tell who has asked. */
export function whoIsAnn(id: string) {
  return { requestId: 'r-1', user: 'ann', token: 'laptop', tokenId: id };
}
