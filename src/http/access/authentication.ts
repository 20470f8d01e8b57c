// Finds the caller of a request by the token that it carries. Remembers for each connection which
// header it has proved last: most connections send one header all the time. Must not know what a
// caller may do.
import type { Access } from '../../access/access.ts';
import type { Caller } from '../../access/caller.ts';
import { takeTokenOfQuery, tokenOfHeader } from './credentials.ts';
import type { RequestHead } from '../wire/request-head.ts';

declare module 'node:net' {
  interface Socket {
    /** Set by authentication. */
    proved?: ProvedHeader;
  }
}

/** A header whose token was found and compared, on this connection. */
interface ProvedHeader {
  readonly header: string;
  readonly caller: Caller;
}

export type Unauthenticated = 'no token' | 'no valid token';

export class Authentication {
  readonly #access: Pick<Access, 'callers' | 'uses' | 'nowMs'>;

  constructor(access: Pick<Access, 'callers' | 'uses' | 'nowMs'>) {
    this.#access = access;
  }

  /**
   * Takes a token in the query out of the target, whether or not the server needs one.
   *
   * @param parameter the query parameter that may have the token, if the dialect has one
   */
  callerOf(request: RequestHead, parameter: string | undefined): Caller | Unauthenticated {
    const { callers, uses, nowMs } = this.#access;
    const inQuery = parameter === undefined ? undefined : takeTokenOfQuery(request, parameter);
    if (callers.isOpen) return callers.anonymous;
    const caller =
      inQuery === undefined
        ? this.#callerOfHeader(request)
        : this.#callerOfBoth(request.headers.authorization, inQuery);
    if (typeof caller !== 'string') uses.note(caller, nowMs());
    return caller;
  }

  #callerOfHeader({ socket, headers }: RequestHead): Caller | Unauthenticated {
    const { authorization: header } = headers;
    if (header === undefined) return 'no token';
    const { proved } = socket;
    if (proved !== undefined && isSameText(proved.header, header)) {
      if (proved.caller.isValid(this.#access.nowMs)) return proved.caller;
    }
    const caller = this.#find(tokenOfHeader(header));
    if (typeof caller !== 'string') socket.proved = { header, caller };
    return caller;
  }

  #callerOfBoth(header: string | undefined, inQuery: string): Caller | Unauthenticated {
    const inHeader = header === undefined ? undefined : tokenOfHeader(header);
    const isDoubtful = inHeader !== undefined && inHeader !== inQuery;
    return isDoubtful ? 'no valid token' : this.#find(inQuery);
  }

  #find(token: string | undefined): Caller | Unauthenticated {
    if (token === undefined) return 'no token';
    const { callers, nowMs } = this.#access;
    return callers.find(token, nowMs) ?? 'no valid token';
  }
}

/**
 * Takes a time that depends on the lengths alone. Behind a proxy users share connections, and the time
 * must not tell one of them how the token of another begins. `timingSafeEqual` would need two buffers,
 * and these calls take as long as the SHA-256.
 */
function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
