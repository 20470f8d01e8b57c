// The class of all replies of a server. It is the cheapest place to see every one of them begin
// and end: no hook, listener or closure a request. It also keeps replies out of caches: what a key
// holds, or that there is none, is true for the moment alone.
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { BodyReader } from './body/body-reader.ts';
import type { Connections } from './connections.ts';
import type { RequestMeter } from './metrics/request-meter.ts';
import type { ReplyRoom } from './overload/reply-room.ts';
import type { RequestOrder } from './request-order.ts';

/** For a reply whose body went out before its end, which only small ones do. */
const smallReplyBytes = 4096;

export interface ResponseObservers {
  readonly bodies: BodyReader;
  readonly connections: Connections;
  readonly meter: RequestMeter;
  readonly replies: ReplyRoom;
  readonly order: RequestOrder;
}

function bytesOf(body: unknown): number {
  return body instanceof Uint8Array ? body.length : smallReplyBytes;
}

function isRecord(headers: unknown): headers is Record<string, unknown> {
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers);
}

/** Makes the class for one server. */
export function trackedResponse(observers: ResponseObservers) {
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

    /** An array of headers is taken as it is: its maker has put `no-store` there. */
    override writeHead(...parts: unknown[]): this {
      if (connections.draining) this.shouldKeepAlive = false;
      const headers = parts[1];
      if (headers === undefined) {
        if (!this.hasHeader('cache-control')) this.setHeader('cache-control', 'no-store');
      } else if (isRecord(headers)) {
        headers['cache-control'] ??= 'no-store';
      }
      return super.writeHead(...(parts as [number]));
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
      if (!this.writableFinished) replies.watch(this, bytesOf(parts[0]));
      return this;
    }
  };
}
