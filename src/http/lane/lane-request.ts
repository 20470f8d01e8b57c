// A request that the lane has read, as the gate and the handlers see it. Judges nothing.
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../../access/caller.ts';
import type { HeaderPairs } from '../access/cors.ts';
import type { RequestCharge } from '../access/request-charge.ts';
import type { HttpRequest, RequestHead } from '../wire/request-head.ts';

export class LaneRequest implements HttpRequest, RequestHead {
  readonly method: string;
  url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  declare caller?: Caller;
  declare namespace?: string;
  declare replyHeaders?: HeaderPairs;
  declare charge?: RequestCharge;
  declare requestId?: string;
  declare hasWaited?: boolean;

  constructor(method: string, url: string, headers: IncomingHttpHeaders, socket: Socket) {
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.socket = socket;
  }

  get originalUrl(): string {
    return this.url;
  }

  get raw(): RequestHead {
    return this;
  }
}
