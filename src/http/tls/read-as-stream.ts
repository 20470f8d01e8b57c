// Lets node's HTTP parser get its bytes from the stream of a connection, and not from below. One
// read of the system may bring several records of TLS. From below, all of them would reach the
// parser, even if the first one paused it. It would then take pipelined requests for malformed
// ones. The stream keeps the bytes until the parser goes on.
import type { TLSSocket } from 'node:tls';

const ignore = (): void => undefined;

export function readAsStream(socket: TLSSocket): void {
  const guards = socket.listeners('resume') as (() => void)[];
  // Node gives its short way up once there is another reader, even for a moment.
  socket.on('data', ignore).off('data', ignore);
  // With it go node's guards against a resume while the parser is paused. Body readers resume.
  socket.removeAllListeners('resume');
  for (const guard of guards) socket.on('resume', guard);
}
