// Decides which web pages may use the server. A browser sends a page's requests with all that its
// machine may do, so an open server must know the page. Knows no token, and sends no reply.
import { StoreError } from '../../base/errors.ts';
import { isLoopbackName, parseHost, type HostName } from '../../base/host-name.ts';
import type { TrustedProxies } from './trusted-proxies.ts';
import type { RequestHead } from '../wire/request-head.ts';

export interface WebPageOptions {
  /** Origins whose pages may use the server; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Names of the server besides loopback: `name` or `name:port`. */
  readonly allowedHosts: readonly string[];
  readonly proxies: TrustedProxies;
  /** The scheme that the server itself speaks. */
  readonly scheme: 'http' | 'https';
}

function refusal(parameter: string, detail: string): StoreError {
  const rest = 'The server requires no token, so it has to know from where it is called.';
  return new StoreError('FORBIDDEN_ORIGIN', `${detail} ${rest} Nothing was done.`, { parameter });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** The origin as a browser spells it (RFC 6454 section 6.2): without the scheme's own port. */
function originOf(scheme: string, { name, port }: HostName): string {
  const isDefault = port === undefined || port === defaultPorts[scheme];
  return `${scheme}://${name}${isDefault ? '' : `:${port}`}`;
}

/** The authority of a target in absolute form, which stands for Host (RFC 9112 section 3.2.2). */
function authorityOf(target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  return /^https?:\/\/([^/?#]*)/i.exec(target)?.[1];
}

export class WebPages {
  readonly #options: WebPageOptions;
  readonly #corsOrigins: ReadonlySet<string>;
  readonly #allowedHosts: ReadonlySet<string>;
  /** The host that was found to be known last: most requests name the same one. */
  #lastKnown: string | undefined;

  constructor(options: WebPageOptions) {
    this.#options = options;
    this.#corsOrigins = new Set(options.corsOrigins);
    this.#allowedHosts = new Set(
      options.allowedHosts.map((one) => one.toLowerCase().replace(/\.(?=:|$)/, '')),
    );
  }

  /** True if some pages of other origins may use the server. */
  get areAllowed(): boolean {
    return this.#corsOrigins.size > 0;
  }

  allows(origin: string): boolean {
    return this.#corsOrigins.has(origin) || this.#corsOrigins.has('*');
  }

  get allowsAll(): boolean {
    return this.#corsOrigins.has('*');
  }

  /** The refusal of a request to a server that requires no token; undefined if it may pass. */
  refusalOf(request: RequestHead): StoreError | undefined {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (origin === undefined && site === undefined) return this.#refusalOfHosts(request);
    const isListed = origin !== undefined && this.#corsOrigins.has(origin);
    if (!isListed && origin !== undefined && !this.#isOwn(request, origin)) {
      const detail = `Pages of the origin ${quoted(origin)} may not use this server; corsOrigins does not list it.`;
      return refusal('Origin', detail);
    }
    if (!isListed && site !== undefined && site !== 'same-origin' && site !== 'none') {
      const detail = `A page of another origin asks (Sec-Fetch-Site: ${quoted(site)}); corsOrigins does not list it.`;
      return refusal('Sec-Fetch-Site', detail);
    }
    return this.#refusalOfHosts(request);
  }

  /** A name server may point any other name at this machine, and give a page the name (rebinding). */
  #refusalOfHosts(request: RequestHead): StoreError | undefined {
    const hosts = this.#hostsOf(request);
    if (hosts.every((host) => host === undefined)) {
      return refusal('Host', 'The request has no Host header.');
    }
    const unknown = hosts.find((host) => host !== undefined && !this.#isKnown(host));
    if (unknown === undefined) return undefined;
    const detail = `${quoted(unknown)} is no name of this server: not of loopback, and not in allowedHosts.`;
    return refusal('Host', detail);
  }

  /** All hosts that the request names: each of them may be the one that a page has asked for. */
  #hostsOf(request: RequestHead): readonly (string | undefined)[] {
    const { headers, url = '' } = request;
    return [headers.host, authorityOf(url), this.#options.proxies.hostOf(request)];
  }

  #isKnown(text: string): boolean {
    if (text === this.#lastKnown) return true;
    const host = parseHost(text);
    if (host === undefined || !this.#isAllowed(host)) return false;
    this.#lastKnown = text;
    return true;
  }

  #isAllowed({ name, port }: HostName): boolean {
    if (isLoopbackName(name) || this.#allowedHosts.has(name)) return true;
    return port !== undefined && this.#allowedHosts.has(`${name}:${port}`);
  }

  #isOwn(request: RequestHead, origin: string): boolean {
    const { proxies, scheme } = this.#options;
    const asked = proxies.schemeOf(request, scheme);
    return this.#hostsOf(request).some((text) => {
      const host = text === undefined ? undefined : parseHost(text);
      return host !== undefined && originOf(asked, host) === origin;
    });
  }
}
