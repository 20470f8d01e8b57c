// Writes the Lua script by which wrk makes the requests of a round and counts wrong replies. It draws
// keys as rows/key-draw.ts does and makes values as rows/values.ts does.
import { scatterPrime, zipfConstants } from '../rows/key-draw.ts';
import { filler } from '../rows/values.ts';
import type { RequestTemplate } from '../rows/request-template.ts';
import type { RoundPlan } from './load.ts';

/** Finished requests of so many bytes are kept at most, so that making them costs no time. */
const keptBytesMax = 32 * 1024 * 1024;

/** A Lua string. The texts of templates are ASCII, which JSON and Lua quote alike. */
const quote = (text: string): string => JSON.stringify(text);

function luaTemplate({ percent, template }: RoundPlan['templates'][number]): string {
  const { method, path, body, contentType, commands }: RequestTemplate = template;
  const { returnsValue, replyHolds } = template;
  const fields = [
    `percent = ${percent}`,
    `method = ${quote(method)}`,
    `path = ${quote(path)}`,
    ...(body === undefined ? [] : [`body = ${quote(body)}`]),
    ...(contentType === undefined ? [] : [`content_type = ${quote(contentType)}`]),
    ...(commands === undefined
      ? []
      : [`command = ${quote(commands.text)}`, `length = ${commands.length}`]),
    ...(returnsValue === undefined ? [] : ['returns_value = true']),
    ...(replyHolds === undefined ? [] : [`reply_holds = ${quote(replyHolds)}`]),
  ];
  return `{ ${fields.join(', ')} }`;
}

function drawOf({ conditions: { keys, draw } }: RoundPlan): string {
  if (draw === 'uniform') return 'return math.random(0, keys - 1)';
  const { zeta, alpha, eta, second } = zipfConstants(keys);
  return `local share = math.random()
  local scaled, rank = share * ${zeta}, 0
  if scaled >= ${second} then
    rank = math.min(keys - 1, math.floor(keys * (${eta} * share - ${eta} + 1) ^ ${alpha}))
  elseif scaled >= 1 then
    rank = 1
  end
  return (rank * ${scatterPrime}) % keys`;
}

const program = `
for number = 1, 20 do math.random() end

local function key_of(index) return string.format("key-%08d", index) end

local filling = string.rep(filler, math.ceil(value_bytes / #filler) + 1)
local fillings = {}
local function value_of(index)
  local head = "value-" .. index .. "-" .. seed .. "-"
  local rest = fillings[#head]
  if not rest then
    rest = filling:sub(1, math.max(0, value_bytes - #head))
    fillings[#head] = rest
  end
  return head .. rest
end

local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 3, 0, -1 do
      local digit = math.floor(bits / 64 ^ place) % 64
      out[#out + 1] = digits:sub(digit + 1, digit + 1)
    end
    if not c then out[#out] = "=" end
    if not b then out[#out - 1] = "=" end
  end
  return table.concat(out)
end

local makers = {
  ["$key"] = key_of,
  ["$value"] = value_of,
  ["$key64"] = function(index) return base64(key_of(index)) end,
  ["$value64"] = function(index) return base64(value_of(index)) end,
}

-- A text with placeholders becomes a function of the number of a key.
local function filled(text)
  local parts, at = {}, 1
  while true do
    local from, to = text:find("%$%l+6?4?", at)
    if not from then break end
    parts[#parts + 1] = text:sub(at, from - 1)
    parts[#parts + 1] = makers[text:sub(from, to)]
    at = to + 1
  end
  parts[#parts + 1] = text:sub(at)
  local count, out = #parts, {}
  return function(index)
    for number = 1, count, 2 do out[number] = parts[number] end
    for number = 2, count, 2 do out[number] = parts[number](index) end
    return table.concat(out)
  end
end

local function kept(make, bytes_each)
  if keys * bytes_each > kept_bytes_max then return make end
  local texts = {}
  return function(index)
    local text = texts[index]
    if not text then
      text = make(index)
      texts[index] = text
    end
    return text
  end
end

-- All keys of a pipeline differ: the stride shares no factor with the numbers of keys.
local stride = 7919
local function pipelined(template)
  local command = kept(filled(template.command), #template.command + value_bytes)
  local commands = {}
  return function(index)
    for number = 1, template.length do
      commands[number] = command((index + number * stride) % keys)
    end
    return "[" .. table.concat(commands, ",") .. "]"
  end
end

local headers = " HTTP/1.1\\r\\nhost: " .. host .. "\\r\\n"
if token then headers = headers .. "authorization: Bearer " .. token .. "\\r\\n" end

local function requests_of(template)
  local head = filled(template.method .. " " .. template.path .. headers)
  local body_of = nil
  if template.command then
    body_of = pipelined(template)
  elseif template.body then
    body_of = filled(template.body)
  end
  if not body_of then
    return kept(function(index) return head(index) .. "\\r\\n" end, 128)
  end
  local typed = ""
  if template.content_type then
    typed = "content-type: " .. template.content_type .. "\\r\\n"
  end
  local function make(index)
    local text = body_of(index)
    return head(index) .. typed .. "content-length: " .. #text .. "\\r\\n\\r\\n" .. text
  end
  if template.command then return make end
  return kept(make, 2 * value_bytes + 256)
end

local first, second = requests_of(templates[1]), nil
if templates[2] then second = requests_of(templates[2]) end
local first_percent = templates[1].percent

request = function()
  if second and math.random(1, 100) > first_percent then return second(draw()) end
  return first(draw())
end

init = function() end

wrong = 0
local function is_right(template, text)
  if template.reply_holds and not text:find(template.reply_holds, 1, true) then return false end
  if template.returns_value then return #text == value_bytes and text:sub(1, 6) == "value-" end
  if not template.command then return true end
  return not (text:find('"error"', 1, true) or text:find('null', 1, true))
end

-- A reply does not tell which of two templates has asked for it.
if templates[1].command or (checks_replies and not second) then
  local template = templates[1]
  response = function(status, headers, text)
    if not is_right(template, text) then wrong = wrong + 1 end
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

/** @returns the text of a script for `wrk -s` */
export function wrkScript(plan: RoundPlan): string {
  const { conditions, seed, token, templates, url, checksReplies = false } = plan;
  return `local keys, seed, value_bytes = ${conditions.keys}, ${seed}, ${conditions.valueBytes}
local filler, kept_bytes_max = ${quote(filler)}, ${keptBytesMax}
local host, token = ${quote(new URL(url).host)}, ${token === undefined ? 'nil' : quote(token)}
local checks_replies = ${checksReplies}
local templates = { ${templates.map(luaTemplate).join(', ')} }
math.randomseed(seed + 1)

local function draw()
  ${drawOf(plan)}
end
${program}`;
}
