// The head of a request as the code that judges it sees it, whichever parser has read it. Judges
// nothing.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Node's request is one. `url` is the target, and the gate takes the namespace and a token out of it. */
export type RequestHead = Pick<
  IncomingMessage,
  | 'method'
  | 'url'
  | 'headers'
  | 'socket'
  | 'caller'
  | 'namespace'
  | 'replyHeaders'
  | 'charge'
  | 'requestId'
  | 'hasWaited'
>;

/** A request as handlers see it, once it is let in. The framework's request is one. */
export interface HttpRequest {
  readonly method: string;
  /** The target behind its namespace, and without a token. */
  readonly originalUrl: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Pick<
    RequestHead,
    'socket' | 'caller' | 'namespace' | 'charge' | 'requestId' | 'hasWaited'
  >;
}
