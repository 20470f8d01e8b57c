// Owns the settings of a namespace, and checks them as they come in JSON. Enforces none.
import { badMember, isObject, refuseUnknownMembers } from '../base/json-object.ts';

export const audits = ['off', 'writes', 'all'] as const;

export type Audit = (typeof audits)[number];

export interface NamespaceSettings {
  /** Undefined: no limit. */
  readonly keysMax: number | undefined;
  readonly bytesMax: number | undefined;
  readonly audit: Audit;
}

export const namespaceDefaults: NamespaceSettings = {
  keysMax: undefined,
  bytesMax: undefined,
  audit: 'off',
};

const members = new Set(['keysMax', 'bytesMax', 'audit']);

export function isAudit(json: unknown): json is Audit {
  return (audits as readonly unknown[]).includes(json);
}

export function isQuota(json: unknown): json is number | undefined {
  return json === undefined || (Number.isSafeInteger(json) && Number(json) >= 0);
}

/**
 * Absent members count as their defaults, as a PUT replaces what was there.
 *
 * @throws StoreError BAD_REQUEST
 */
export function parseNamespaceSettings(json: unknown): NamespaceSettings {
  if (!isObject(json)) {
    const detail = `The body must be an object; allowed members: ${[...members].join(', ')}.`;
    throw badMember(undefined, detail);
  }
  refuseUnknownMembers(json, members);
  const { keysMax, bytesMax, audit = namespaceDefaults.audit } = json;
  if (!isQuota(keysMax)) throw badMember('keysMax', 'keysMax must be an integer of at least 0.');
  if (!isQuota(bytesMax)) throw badMember('bytesMax', 'bytesMax must be an integer of at least 0.');
  if (!isAudit(audit)) throw badMember('audit', 'audit must be "off", "writes" or "all".');
  return { keysMax, bytesMax, audit };
}
