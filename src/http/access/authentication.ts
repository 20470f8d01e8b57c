// Finds the caller of a request by the token that it carries. Remembers for each connection which
// header it has proved last: most connections send one header all the time. Must not know what a
// caller may do.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Access } from '../../access/access.ts';
import type { Caller } from '../../access/caller.ts';
import { takeTokenOfQuery, tokenOfHeader } from './credentials.ts';

declare module 'node:net' {
  interface Socket {
    /** Set by authentication. */
    proved?: ProvedHeader;
  }
}

/** A header whose token was found and compared, on this connection. */
class ProvedHeader {
  readonly caller: Caller;
  readonly #bytes: Buffer;
  /** Kept, because a new one for each request would take longer than the comparison. */
  readonly #asked: Buffer;

  constructor(header: string, caller: Caller) {
    this.caller = caller;
    this.#bytes = Buffer.from(header, 'latin1');
    this.#asked = Buffer.alloc(this.#bytes.length);
  }

  /**
   * Takes a time that depends on the length alone. Behind a proxy users share connections, and the
   * time must not tell one of them how the token of another begins.
   */
  is(header: string): boolean {
    if (header.length !== this.#bytes.length) return false;
    this.#asked.write(header, 'latin1');
    return timingSafeEqual(this.#asked, this.#bytes);
  }
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
  callerOf(request: IncomingMessage, parameter: string | undefined): Caller | Unauthenticated {
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

  #callerOfHeader({ socket, headers }: IncomingMessage): Caller | Unauthenticated {
    const { authorization: header } = headers;
    if (header === undefined) return 'no token';
    const { proved } = socket;
    if (proved?.is(header) === true && proved.caller.isValid(this.#access.nowMs)) {
      return proved.caller;
    }
    const caller = this.#find(tokenOfHeader(header));
    if (typeof caller !== 'string') socket.proved = new ProvedHeader(header, caller);
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
