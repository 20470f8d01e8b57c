// The class of all replies of a server. Here each reply's begin and end are seen most cheaply: no
// hook, listener or closure per request. Owns the headers that every reply has.
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HeaderPairs } from './access/cors.ts';
import type { BodyReader } from './body/body-reader.ts';
import type { Connections } from './connections/connections.ts';
import type { RequestOrder } from './connections/request-order.ts';
import type { UnsentReplies } from './connections/unsent-replies.ts';
import type { RequestMeter } from './metrics/request-meter.ts';
import { headersOfEachReply } from './wire/answer.ts';
import { newRequestId, requestIdHeader } from './wire/request-id.ts';

/** Assumed for a reply whose body went out before its end, as only small ones do. */
const smallReplyBytes = 4096;

const eachReply = Object.entries(headersOfEachReply);

export interface ResponseObservers {
  readonly bodies: BodyReader;
  readonly connections: Connections;
  readonly meter: RequestMeter;
  readonly replies: UnsentReplies;
  readonly order: RequestOrder;
}

function byteLengthOf(body: unknown): number {
  return body instanceof Uint8Array ? body.length : smallReplyBytes;
}

function isRecord(headers: unknown): headers is Record<string, unknown> {
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers);
}

const lengthHeader = 'content-length';

/** @param headers as `writeHead` takes them, with names in lower case */
function hasLength(response: ServerResponse, headers: unknown): boolean {
  if (Array.isArray(headers)) return headers.includes(lengthHeader);
  if (isRecord(headers) && headers[lengthHeader] !== undefined) return true;
  return response.hasHeader(lengthHeader);
}

/** Creates the class for one server. */
export function trackedResponse(observers: ResponseObservers): typeof ServerResponse {
  const { bodies, connections, meter, replies, order } = observers;
  const { budget } = bodies;
  return class TrackedResponse<
    Request extends IncomingMessage = IncomingMessage,
  > extends ServerResponse<Request> {
    override bodyBytesHeld = 0;
    readonly #startedAtMs = meter.nowMs();

    constructor(...parts: ConstructorParameters<typeof ServerResponse<Request>>) {
      super(...parts);
      connections.addResponse(this);
    }

    override assignSocket(socket: Socket): void {
      super.assignSocket(socket);
      order.noteTurn(this, socket);
    }

    /** An array of headers has the constant ones of each reply already: its maker has put them there. */
    override writeHead(...parts: unknown[]): this {
      if (connections.draining) this.shouldKeepAlive = false;
      const headers = parts[1];
      // Node closes the connection then, but does not tell: nothing else shows a client of HTTP/1.0 the
      // end of the reply.
      if (this.req.httpVersion === '1.0' && !hasLength(this, headers)) this.shouldKeepAlive = false;
      const { replyHeaders } = this.req;
      if (replyHeaders !== undefined) this.#addReplyHeaders(replyHeaders, headers);
      const { requestId = newRequestId() } = this.req;
      if (headers === undefined) {
        for (const [name, value] of eachReply) {
          if (!this.hasHeader(name)) this.setHeader(name, value);
        }
        this.setHeader(requestIdHeader, requestId);
      } else if (isRecord(headers)) {
        for (const [name, value] of eachReply) headers[name] ??= value;
        headers[requestIdHeader] = requestId;
      } else if (Array.isArray(headers)) {
        headers.push(requestIdHeader, requestId);
      }
      return super.writeHead(...(parts as [number]));
    }

    #addReplyHeaders(pairs: HeaderPairs, headers: unknown): void {
      if (Array.isArray(headers)) {
        headers.push(...pairs);
        return;
      }
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        const [name = '', value = ''] = pairs.slice(i, i + 2);
        if (!isRecord(headers)) this.appendHeader(name, value);
        else headers[name] = name in headers ? `${String(headers[name])}, ${value}` : value;
      }
    }

    override end(...parts: unknown[]): this {
      connections.removeResponse(this);
      if (this.bodyBytesHeld > 0) {
        budget.release(this.bodyBytesHeld);
        this.bodyBytesHeld = 0;
      }
      meter.observe(this.req, this.statusCode, this.#startedAtMs);
      super.end(...(parts as []));
      if (!this.shouldKeepAlive) connections.noteFinalReply(this.req.socket);
      if (!this.writableFinished) replies.watch(this, byteLengthOf(parts[0]));
      return this;
    }
  };
}
