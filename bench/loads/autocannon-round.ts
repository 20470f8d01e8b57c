// `node autocannon-round.js PLAN`: one round of a plan in JSON, in a process of its own. Prints the
// figures as one line of JSON. Fails if a reply is not a 2xx, or if it lacks the text it must hold.
import autocannon from 'autocannon';
import { keyDrawer } from '../rows/key-draw.ts';
import type { RequestTemplate } from '../rows/request-template.ts';
import { drawnRequests } from './drawn-requests.ts';
import { randomStream } from '../workload.ts';
import type { RoundFigures, RoundPlan } from './load.ts';

/** A connection prepares requests in advance and repeats them: making them costs time. */
const bytesPerConnection = 512 * 1024;
const requestsMax = 500;

/** @returns the template whose replies are looked into, if any are */
function checkedTemplate({ templates, checksReplies }: RoundPlan): RequestTemplate | undefined {
  const [first, second] = templates;
  if (first === undefined || second !== undefined) return undefined;
  return checksReplies === true || first.template.commands !== undefined
    ? first.template
    : undefined;
}

function isRight(template: RequestTemplate, body: string, valueBytes: number): boolean {
  const { replyHolds, returnsValue, commands } = template;
  if (replyHolds !== undefined && !body.includes(replyHolds)) return false;
  if (returnsValue === true) return body.length === valueBytes && body.startsWith('value-');
  return commands === undefined || !/"error"|null/.test(body);
}

async function applyLoad(plan: RoundPlan): Promise<RoundFigures> {
  const { url, conditions, seconds, seed, templates, token } = plan;
  const random = randomStream(seed);
  const draw = keyDrawer(conditions.keys, conditions.draw, random);
  const operations = templates[0]?.template.commands?.length ?? 1;
  const requestBytes = operations * (conditions.valueBytes + 50);
  const length = Math.ceil(Math.min(requestsMax, bytesPerConnection / requestBytes));
  const checked = checkedTemplate(plan);
  const result = await autocannon({
    url,
    connections: conditions.connections,
    duration: seconds,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    setupClient: (client) => client.setRequests(drawnRequests(plan, draw, random, length)),
    ...(checked !== undefined && {
      verifyBody: (text) => isRight(checked, String(text ?? ''), conditions.valueBytes),
    }),
  });
  const { non2xx, errors, timeouts, mismatches } = result;
  if (non2xx + errors + timeouts + mismatches > 0) {
    const what = `${non2xx} replies not 2xx, ${mismatches} wrong`;
    throw new Error(`${what}, ${errors} errors, ${timeouts} timeouts`);
  }
  return {
    requests: result['2xx'],
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}

const [plan = ''] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await applyLoad(JSON.parse(plan)))}\n`);
