// Runs of random streams over both paths, to the first difference. A run is made of blocks. Each block has
// two new servers and a seed of its own, and sends its streams one after another: so a stream is
// repeated exactly by its block up to it. Blocks run side by side. Must not know the test runner.
import { seededRandom } from '../random.ts';
import { RequestStreams, type RequestStream } from './request-streams.ts';
import type { AppChanges } from './start-app.ts';
import { TwoPaths, type Difference } from './two-paths.ts';

const blockLength = 1000;

/** Of a block, at least so many streams are cut in two at each of their bytes in turn. */
const cutInBlock = 250;

/** While one block waits for its connections, the others have work. */
const blocksAtOnce = 4;

/** Node sees no end of a body that its client cuts short behind a wish to upgrade, so time has to end it. */
const limits = { requestTimeoutMs: 5000, headersTimeoutMs: 5000 };

const token = 'a-token-of-this-test-alone';

interface RunServer {
  readonly access: NonNullable<AppChanges['access']>;
  /** Sent by most requests. */
  readonly token?: string;
}

/** The servers, whose rules differ. */
export const runServers = {
  open: { access: {} },
  pages: { access: { corsOrigins: ['https://app.example'] } },
  proxied: { access: { trustProxy: ['loopback'], allowedHosts: ['api.example'] } },
  token: { access: { serverTokens: { tokens: [token] } }, token },
} as const satisfies Record<string, RunServer>;

export type RunServerName = keyof typeof runServers;

export const runServerNames = Object.keys(runServers) as RunServerName[];

export interface PathRunOptions {
  readonly server: RunServerName;
  readonly seed: number;
  /** Numbers of the first stream and of the one behind the last. */
  readonly from: number;
  readonly to: number;
}

export interface FoundDifference extends Difference {
  readonly nth: number;
  /** True if new servers differ, too, if they get this stream alone. */
  readonly isAlone: boolean;
}

/** All streams of a block, in their order. */
function* streamsOf(server: RunServerName, seed: number, block: number): Generator<RequestStream> {
  const { token: sent }: RunServer = runServers[server];
  const place = block * runServerNames.length + runServerNames.indexOf(server);
  const streams = new RequestStreams(seededRandom(Math.imul(seed + 1, 0x9e3779b1) + place), sent);
  // The streams that are cut find some entries of the others.
  const first = 100;
  for (let nth = 0; nth < first; nth += 1) yield streams.next();
  let count = first;
  for (const stream of streams.cutAtEachByte(cutInBlock)) {
    yield stream;
    count += 1;
  }
  for (; count < blockLength; count += 1) yield streams.next();
}

async function withPaths<Output>(
  server: RunServerName,
  use: (paths: TwoPaths) => Promise<Output>,
): Promise<Output> {
  const paths = await TwoPaths.open({ access: runServers[server].access, limits });
  try {
    return await use(paths);
  } finally {
    await paths.close();
  }
}

export class PathRun {
  readonly #options: PathRunOptions;
  #nextBlock: number;
  #found: FoundDifference | undefined;
  /** Streams whose client cut the last request short, and got another refusal for it. */
  cutShort = 0;

  constructor(options: PathRunOptions) {
    this.#options = options;
    this.#nextBlock = Math.floor(options.from / blockLength);
  }

  /** @returns the first difference that was found, if any */
  async compare(): Promise<FoundDifference | undefined> {
    await Promise.all(Array.from({ length: blocksAtOnce }, () => this.#work()));
    return this.#found;
  }

  async #work(): Promise<void> {
    const { server, to } = this.#options;
    while (this.#found === undefined && this.#nextBlock * blockLength < to) {
      const block = this.#nextBlock;
      this.#nextBlock += 1;
      // oxlint-disable-next-line no-await-in-loop -- one block after another
      await withPaths(server, (paths) => this.#compareBlock(block, paths));
    }
  }

  async #compareBlock(block: number, paths: TwoPaths): Promise<void> {
    const { server, seed, to } = this.#options;
    let nth = block * blockLength;
    for (const stream of streamsOf(server, seed, block)) {
      if (nth >= to || this.#found !== undefined) break;
      // oxlint-disable-next-line no-await-in-loop -- the stores must stay equal
      const difference = await paths.compare(stream);
      if (difference !== undefined) {
        // oxlint-disable-next-line no-await-in-loop -- the last one
        const alone = await withPaths(server, (fresh) => fresh.compare(stream));
        this.#found ??= { ...difference, nth, isAlone: alone !== undefined };
        break;
      }
      nth += 1;
    }
    this.cutShort += paths.cutShort;
  }
}

/** The way to repeat a difference, and the difference itself. */
export function describeDifference(
  { server, seed }: Pick<PathRunOptions, 'server' | 'seed'>,
  { nth, isAlone, sent, lane, framework }: FoundDifference,
): string {
  return [
    `stream ${nth} of the server "${server}" differs. To repeat it:`,
    `  npm run lane-loop -- --seed ${seed} --server ${server} --stream ${nth}`,
    isAlone
      ? 'It differs alone, too.'
      : 'Alone it does not differ: those before it in its block matter.',
    `sent, in pieces of ${sent.pieces.join(', ') || 'all bytes'}:\n${JSON.stringify(sent.bytes)}`,
    `the lane:\n${lane}`,
    `the framework:\n${framework}`,
  ].join('\n');
}
