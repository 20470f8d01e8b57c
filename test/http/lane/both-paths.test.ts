// The fast lane beside the framework's path: the same bytes must get the same answers.
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../support/random.ts';
import { RequestStreams } from '../../support/http/request-streams.ts';
import { TwoPaths } from '../../support/http/two-paths.ts';

const token = 'a-token-of-this-test-alone';

const servers = [
  ['an open server', undefined, {}],
  ['a server for pages of one origin', undefined, { corsOrigins: ['https://app.example'] }],
  [
    'a server behind a proxy',
    undefined,
    { trustProxy: ['loopback'], allowedHosts: ['api.example'] },
  ],
  ['a server with a token', token, { serverTokens: { tokens: [token] } }],
] as const;

const casesOf = Number(process.env['LANE_CASES'] ?? 500);
const firstSeed = Number(process.env['LANE_SEED'] ?? 1);

describe('random streams of bytes get the same answers on both paths', () => {
  test.each(servers)('of %s', { timeout: 3_600_000 }, async (_, ofToken, access) => {
    const paths = await TwoPaths.open({ access });
    const streams = new RequestStreams(seededRandom(firstSeed), ofToken);
    for (let nth = 0; nth < casesOf; nth++) {
      // oxlint-disable-next-line no-await-in-loop -- the stores must stay equal
      const difference = await paths.compare(streams.next());
      expect(difference, `LANE_SEED=${firstSeed}, stream ${nth}`).toBeUndefined();
    }
    process.stdout.write(
      `${casesOf} streams, ${paths.cutShort} cut short, LANE_SEED=${firstSeed}\n`,
    );
  });
});
