// Writes the Lua script by which wrk sends the requests of a round and counts wrong replies. The script
// reads finished requests from a file (request-texts.ts) before the round begins. While it is measured,
// wrk only takes the next one: any work on texts would make wrk slower than the servers.
import type { RequestTemplate } from '../rows/request-template.ts';
import type { RoundPlan } from './load.ts';

/** A Lua string. The texts of templates are ASCII, which JSON and Lua quote alike. */
const quote = (text: string): string => JSON.stringify(text);

function luaCheck({ returnsValue, replyHolds, commands }: RequestTemplate): string {
  const fields = [
    ...(commands === undefined ? [] : ['is_pipeline = true']),
    ...(returnsValue === undefined ? [] : ['returns_value = true']),
    ...(replyHolds === undefined ? [] : [`reply_holds = ${quote(replyHolds)}`]),
  ];
  return `{ ${fields.join(', ')} }`;
}

const canJudge = ({ returnsValue, replyHolds }: RequestTemplate): boolean =>
  returnsValue === true || replyHolds !== undefined;

/**
 * Bodies of replies that the script looks into. A pipeline answers 200 even if its commands fail. Other
 * replies are judged by their status in rounds that count. A reply does not tell which template has asked
 * for it, so all of them must be judged, or none.
 */
export function checkedTemplates({
  templates,
  checksReplies = false,
}: RoundPlan): readonly RequestTemplate[] {
  const all = templates.map(({ template }) => template);
  const looks = checksReplies || all.some(({ commands }) => commands !== undefined);
  return looks && all.every(canJudge) ? all : [];
}

const program = `
local texts, at, count = {}, 0, 0

init = function()
  local file = assert(io.open(texts_path, "rb"))
  local digits = file:read(8)
  while digits do
    count = count + 1
    texts[count] = file:read(tonumber(digits))
    digits = file:read(8)
  end
  file:close()
  collectgarbage()
end

request = function()
  at = at + 1
  if at > count then at = 1 end
  return texts[at]
end

wrong = 0
local function fits(check, text)
  if check.reply_holds and not text:find(check.reply_holds, 1, true) then return false end
  if check.returns_value then return #text == value_bytes and text:sub(1, 6) == "value-" end
  if not check.is_pipeline then return true end
  return not (text:find('"error"', 1, true) or text:find('null', 1, true))
end

-- With a function for them, wrk hands over every reply, which takes its time.
if #checks > 0 then
  response = function(status, headers, text)
    for _, check in ipairs(checks) do
      if fits(check, text) then return end
    end
    wrong = wrong + 1
  end
end

local threads = {}
setup = function(thread) threads[#threads + 1] = thread end

done = function(summary, latency)
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + thread:get("wrong") end
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"wrong":%d,' ..
    '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), sum, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout))
end
`;

/**
 * @param textsPath the file with the requests of the round
 * @returns the text of a script for `wrk -s`
 */
export function wrkScript(plan: RoundPlan, textsPath: string): string {
  return `local texts_path, value_bytes = ${quote(textsPath)}, ${plan.conditions.valueBytes}
local checks = { ${checkedTemplates(plan).map(luaCheck).join(', ')} }
${program}`;
}
