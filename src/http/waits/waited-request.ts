// Marks requests that have waited. Metrics count them under a route of their own: the time that a
// client has asked to wait tells nothing about the server.

declare module 'node:http' {
  interface IncomingMessage {
    /** Set once the request waits for a change. */
    hasWaited?: boolean;
  }
}

/** @returns the label of the request in metrics */
export function labelOfRoute(
  route: string,
  { hasWaited }: { readonly hasWaited?: boolean },
): string {
  return hasWaited === true ? `${route}?wait` : route;
}
