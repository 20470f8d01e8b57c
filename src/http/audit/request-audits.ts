// Decides which requests leave records in the audit log: by the settings of their namespaces. Denials and
// administration always do, once any namespace is audited. Without a log, no request does.
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditRecord } from '../../audit/audit-record.ts';
import type { Caller } from '../../access/caller.ts';
import type { Namespaces } from '../../access/namespaces.ts';
import type { StoreError } from '../../base/errors.ts';
import type { RequestHead } from '../wire/request-head.ts';
import { isDenial, outcomeOfError } from './outcomes.ts';
import { RequestAudit } from './request-audit.ts';
import { UnknownCallers } from './unknown-callers.ts';

export interface RequestAuditsOptions {
  /** Undefined: there is none, as in a server that is part of a test. */
  readonly log: AuditLog | undefined;
  readonly namespaces: Pick<Namespaces, 'hasAudited' | 'settings'>;
  readonly monotonicMs: () => number;
}

/** A request, as far as a record names it. */
export type AuditedRequest = Pick<RequestHead, 'requestId' | 'caller' | 'namespace'>;

/** The members of a record that do not tell who has asked. */
export type AuditedAction = Omit<AuditRecord, 'requestId' | 'user' | 'token' | 'tokenId'>;

export class RequestAudits {
  readonly #log: AuditLog | undefined;
  readonly #namespaces: RequestAuditsOptions['namespaces'];
  readonly #unknown: UnknownCallers;

  constructor({ log, namespaces, monotonicMs }: RequestAuditsOptions) {
    this.#log = log;
    this.#namespaces = namespaces;
    this.#unknown = new UnknownCallers({ add: (record) => log?.add(record), monotonicMs });
  }

  /** True once any namespace is audited. Every request asks. */
  get isOn(): boolean {
    return this.#namespaces.hasAudited && this.#log !== undefined;
  }

  /** For a request in a namespace. @returns undefined if it leaves no record, whatever becomes of it */
  of(request: AuditedRequest, caller: Caller, namespace: string): RequestAudit | undefined {
    if (this.#log === undefined || !this.isOn) return undefined;
    const level = this.#namespaces.settings(namespace)?.audit ?? 'off';
    return new RequestAudit(this.#log, { ...whoHasAsked(request, caller), namespace }, level);
  }

  /** @throws StoreError AUDIT_FULL if an action of administration would leave no record */
  requireRoom(): void {
    const refusal = this.isOn ? this.#log?.refusal() : undefined;
    if (refusal !== undefined) throw refusal;
  }

  /**
   * Records an action of a caller that is about no entry.
   *
   * @param wasOn true if a namespace was audited when the action began
   */
  note(request: AuditedRequest, action: AuditedAction, wasOn = false): void {
    if (!wasOn && !this.isOn) return;
    this.#log?.add({ ...whoHasAsked(request, request.caller), ...action });
  }

  /** Records that an action about no entry has failed. */
  noteFailure(
    request: AuditedRequest,
    action: Omit<AuditedAction, 'outcome' | 'error'>,
    error: unknown,
  ): void {
    this.note(request, { ...action, ...outcomeOfError(error) });
  }

  /** Records the refusal of a caller that the server does not know, or of a web page. */
  noteUnknown(request: AuditedRequest, error: Pick<StoreError, 'code'>): void {
    if (!this.isOn || !isDenial(error)) return;
    const { namespace } = request;
    const who = whoHasAsked(request, undefined);
    const { code } = error;
    this.#unknown.note({ ...who, namespace, action: 'connect', outcome: 'denied', error: code });
  }

  /** Records what is only counted so far. The caller calls this before it closes the log. */
  close(): void {
    this.#unknown.close();
  }
}

function whoHasAsked(
  { requestId = '' }: AuditedRequest,
  caller: Caller | undefined,
): Pick<AuditRecord, 'requestId' | 'user' | 'token' | 'tokenId'> {
  const { name, id } = caller?.token ?? {};
  return { requestId, user: caller?.user ?? null, token: name, tokenId: id };
}
