// The class of all replies of a server. It is the cheapest place to see every one of them begin
// and end: no hook, listener or closure a request.
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Connections } from './connections.ts';
import type { RequestMeter } from './metrics/request-meter.ts';

/** Makes the class for one server. */
export function trackedResponse(connections: Connections, meter: RequestMeter) {
  return class TrackedResponse<
    Request extends IncomingMessage = IncomingMessage,
  > extends ServerResponse<Request> {
    readonly #startedAtMs = meter.nowMs();

    constructor(...parts: ConstructorParameters<typeof ServerResponse<Request>>) {
      super(...parts);
      connections.addResponse(this);
    }

    override writeHead(...parts: unknown[]): this {
      if (connections.draining) this.shouldKeepAlive = false;
      return super.writeHead(...(parts as [number]));
    }

    override end(...parts: unknown[]): this {
      connections.removeResponse(this);
      meter.observe(this.req, this.statusCode, this.#startedAtMs);
      return super.end(...(parts as []));
    }
  };
}
