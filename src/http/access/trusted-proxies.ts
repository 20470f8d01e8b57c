// Tells how a request reached the server: by which scheme, under which host, from which address. It
// believes the X-Forwarded headers of trusted proxies alone: any client can send them. Judges nothing.
import { BlockList, isIP } from 'node:net';
import type { RequestHead } from '../wire/request-head.ts';

const loopbackNetworks = ['127.0.0.0/8', '::1'];

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  const all = networks.flatMap((one) => (one === 'loopback' ? loopbackNetworks : [one]));
  for (const network of all) {
    const [address = '', bits] = network.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

/** A socket of both families gives an IPv4 address in this form. */
const mappedPattern = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}

/** The last item: a proxy appends to what the client sent. */
function lastOf(header: string | string[] | undefined): string | undefined {
  return textOf(header)?.split(',').at(-1)?.trim();
}

export class TrustedProxies {
  readonly #networks: BlockList;
  readonly #trustsNone: boolean;

  /** @param networks addresses, networks in CIDR notation, or `loopback` */
  constructor(networks: readonly string[]) {
    this.#networks = listOf(networks);
    this.#trustsNone = networks.length === 0;
  }

  /** True if the request came through a trusted proxy. */
  sent({ socket }: RequestHead): boolean {
    return !this.#trustsNone && this.#trusts(socket.remoteAddress ?? '');
  }

  /** The scheme by which the client asks. */
  schemeOf(request: RequestHead, own: 'http' | 'https'): string {
    if (!this.sent(request)) return own;
    return lastOf(request.headers['x-forwarded-proto'])?.toLowerCase() ?? own;
  }

  /** The host that a trusted proxy says the client asked for; undefined if none says so. */
  hostOf(request: RequestHead): string | undefined {
    return this.sent(request) ? lastOf(request.headers['x-forwarded-host']) : undefined;
  }

  /**
   * The client's address: the last one in X-Forwarded-For that is no trusted proxy's. Undefined
   * without a trusted proxy: the address may then be that of a proxy for many clients.
   */
  addressOf(request: RequestHead): string | undefined {
    if (!this.sent(request)) return undefined;
    const addresses = (textOf(request.headers['x-forwarded-for']) ?? '').split(',');
    const named = addresses.map((one) => one.trim()).filter((one) => isIP(one) !== 0);
    return named.findLast((one) => !this.#trusts(one));
  }

  #trusts(address: string): boolean {
    const plain = address.replace(mappedPattern, '');
    return isIP(plain) !== 0 && this.#networks.check(plain, familyOf(plain));
  }
}
