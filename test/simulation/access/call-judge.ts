// Judges the answers that callers get. Each must agree with the rights of its caller at some moment
// between call and answer, as far as clients can know the rights.
import type { Access } from '../../../src/access/access.ts';
import type { Grant } from '../../../src/access/grant.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import type { StoreError } from '../../../src/base/errors.ts';
import type { RunRecord } from '../run-record.ts';
import {
  absent,
  enabled,
  grantsOfValue,
  open,
  required,
  type AccessFacts,
  type TokenFact,
} from './access-facts.ts';

/** For whom a call is made: no token, the server token, or one of the store. */
export type Principal = 'none' | 'server' | TokenFact;

/** An entry that a caller reads or writes. */
export interface Wanted {
  readonly namespace: string;
  readonly key: string;
  readonly isWrite: boolean;
}

/** The window of a call: positions of the facts, and the time by which tokens expire. */
export interface Window {
  readonly from: number;
  readonly fromMs: number;
}

const everything: Grant = { namespace: '*', role: 'admin', prefixes: undefined };
const allGrants: readonly Grant[] = [everything];

export interface CallFigures {
  callsUnauthenticated: number;
  callsForbidden: number;
  callsWithoutNamespace: number;
  callsAllowed: number;
}

export class CallJudge {
  readonly figures: CallFigures = {
    callsUnauthenticated: 0,
    callsForbidden: 0,
    callsWithoutNamespace: 0,
    callsAllowed: 0,
  };
  /** True if the server of the present life has a server token. */
  serverHasToken = false;
  readonly #facts: AccessFacts;
  readonly #record: RunRecord;
  readonly #isMuddled: (namespace: string) => boolean;

  /** @param isMuddled true for a namespace that may exist or not, whatever clients know */
  constructor(facts: AccessFacts, record: RunRecord, isMuddled: (namespace: string) => boolean) {
    this.#facts = facts;
    this.#record = record;
    this.#isMuddled = isMuddled;
  }

  window(access: Access): Window {
    return { from: this.#facts.positions.now, fromMs: access.nowMs() };
  }

  /** Judges whether the server lets the principal in. */
  noteFound(principal: Principal, isFound: boolean, access: Access): void {
    const { from, fromMs } = this.window(access);
    const may = isFound
      ? this.#grantsAt(principal, from, fromMs).length > 0
      : this.#mayBeInvalid(principal, from, fromMs);
    if (!may) this.#fail(`${nameOf(principal)} is ${isFound ? 'let in' : 'turned away'}`);
  }

  /**
   * Judges the answer to a caller.
   *
   * @param wanted all entries of the call; undefined: it administers the server
   * @param error undefined if the call was carried out
   */
  noteAnswer(
    principal: Principal,
    wanted: readonly Wanted[] | undefined,
    error: StoreError | undefined,
    window: Window,
    access: Access,
  ): void {
    const { from, fromMs } = window;
    const to = this.#facts.positions.now;
    const toMs = access.nowMs();
    const isSometimes = (may: (at: number) => boolean): boolean => {
      for (let at = from; at <= to; at++) if (may(at)) return true;
      return false;
    };
    const grantsAt = (at: number): readonly (readonly Grant[])[] =>
      this.#grantsAt(principal, at, fromMs);
    const isAllowed = (at: number): boolean =>
      grantsAt(at).some((grants) => this.#mayDo(grants, wanted, at));
    const isForbidden = (at: number): boolean =>
      grantsAt(at).some(
        (grants) => !allows(grants, wanted) || (!readsAll(grants) && this.#mayBeAbsent(wanted, at)),
      );
    const isAbsent = (at: number): boolean =>
      grantsAt(at).some((grants) => readsAll(grants) && this.#mayBeAbsent(wanted, at));
    const { figures } = this;
    let may = true;
    if (error === undefined) {
      figures.callsAllowed += 1;
      may = isSometimes(isAllowed);
    } else if (error.code === 'UNAUTHENTICATED') {
      figures.callsUnauthenticated += 1;
      may = isSometimes((at) => this.#mayBeInvalid(principal, at, toMs));
    } else if (error.code === 'FORBIDDEN') {
      figures.callsForbidden += 1;
      may = isSometimes(isForbidden);
    } else if (error.code === 'NAMESPACE_NOT_FOUND') {
      figures.callsWithoutNamespace += 1;
      may = isSometimes(isAbsent);
    }
    if (may) return;
    const call = wanted === undefined ? 'administration' : JSON.stringify(wanted);
    this.#fail(`${nameOf(principal)} gets ${error?.code ?? 'a success'} for ${call}`);
  }

  /** True if the principal was surely allowed to read the entry, from the call until now. */
  surelyReads(principal: Principal, wanted: Wanted, { from, fromMs }: Window): boolean {
    for (let at = from; at <= this.#facts.positions.now; at++) {
      const possible = this.#grantsAt(principal, at, fromMs);
      const isSure = possible.every((grants) => grants.some((grant) => covers(grant, wanted)));
      if (possible.length === 0 || !isSure) return false;
    }
    return true;
  }

  /** True if the principal may administer the server at this moment, as far as clients know. */
  mayAdminister(principal: Principal, nowMs: number): boolean {
    const at = this.#facts.positions.now;
    return this.#grantsAt(principal, at, nowMs).some((grants) => allows(grants, undefined));
  }

  /** The grants that the principal may have at this position; none if it is surely not valid. */
  #grantsAt(principal: Principal, at: number, nowMs: number): readonly (readonly Grant[])[] {
    const { rule } = this.#facts;
    if (principal === 'none') {
      return rule.possibleAt(at).has(open) && !this.serverHasToken ? [allGrants] : [];
    }
    if (principal === 'server') return this.serverHasToken ? [allGrants] : [];
    const { grants, user, expiresAt } = principal;
    if (expiresAt !== undefined && expiresAt <= nowMs) return [];
    if (!this.#facts.user(user).possibleAt(at).has(enabled)) return [];
    const values = [...grants.possibleAt(at)].filter((value) => value !== absent);
    return values.map(grantsOfValue);
  }

  #mayBeInvalid(principal: Principal, at: number, nowMs: number): boolean {
    if (principal === 'none') {
      return this.serverHasToken || this.#facts.rule.possibleAt(at).has(required);
    }
    if (principal === 'server') return !this.serverHasToken;
    const { grants, user, expiresAt } = principal;
    if (expiresAt !== undefined && expiresAt <= nowMs) return true;
    const users = this.#facts.user(user).possibleAt(at);
    return grants.possibleAt(at).has(absent) || users.size > 1 || !users.has(enabled);
  }

  #mayDo(grants: readonly Grant[], wanted: readonly Wanted[] | undefined, at: number): boolean {
    if (!allows(grants, wanted)) return false;
    return (wanted ?? []).every(({ namespace, isWrite }) => {
      if (namespace === defaultNamespace || this.#isMuddled(namespace)) return true;
      const values = this.#facts.namespace(namespace).possibleAt(at);
      const mayBeThere = values.size > 1 || !values.has(absent);
      return mayBeThere || (isWrite && allows(grants, undefined));
    });
  }

  #mayBeAbsent(wanted: readonly Wanted[] = [], at: number): boolean {
    return wanted.some(
      ({ namespace }) =>
        namespace !== defaultNamespace &&
        (this.#isMuddled(namespace) || this.#facts.namespace(namespace).possibleAt(at).has(absent)),
    );
  }

  #fail(violation: string): void {
    this.#record.fail(violation);
  }
}

function nameOf(principal: Principal): string {
  if (principal === 'none') return 'a caller without a token';
  if (principal === 'server') return 'the server token';
  return `the token ${principal.label} of ${principal.user}`;
}

function readsAll(grants: readonly Grant[]): boolean {
  return grants.some(({ namespace, prefixes }) => namespace === '*' && prefixes === undefined);
}

/** @param wanted undefined: the administration of the server */
function allows(grants: readonly Grant[], wanted: readonly Wanted[] | undefined): boolean {
  if (wanted !== undefined)
    return wanted.every((one) => grants.some((grant) => covers(grant, one)));
  return grants.some(
    ({ namespace, role, prefixes }) =>
      namespace === '*' && role === 'admin' && prefixes === undefined,
  );
}

/** True if the grant allows this read or write, whether or not the namespace exists. */
export function covers(grant: Grant, { namespace, key, isWrite }: Wanted): boolean {
  return (
    (grant.namespace === '*' || grant.namespace === namespace) &&
    (grant.role !== 'read' || !isWrite) &&
    (grant.prefixes?.some((prefix) => key.startsWith(prefix)) ?? true)
  );
}
