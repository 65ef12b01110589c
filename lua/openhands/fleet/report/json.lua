--- Writes a report as JSON, its fields always in the same order. Texts are what the service sent; control characters
--- and marks of direction are escaped, so that the JSON itself is safe to show.

local entry = require "openhands.fleet.report.entry"
local moments = require "openhands.display.moment"
local numbers = require "openhands.display.number"
local text = require "openhands.display.text"

local M = {}

local NAMED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped_byte(character)
  return NAMED[character] or ("\\u%04x"):format(character:byte())
end

local function escaped_code(code)
  if code < 0x10000 then
    return ("\\u%04x"):format(code)
  end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xD800 + math.floor(code / 0x400), 0xDC00 + code % 0x400)
end

local function quoted(value)
  value = text.well_formed(value):gsub('[%z\1-\31"\\\127]', escaped_byte)
  return '"' .. text.replace_invisible(value, escaped_code) .. '"'
end

local function number(value, places)
  return numbers.is_finite(value) and numbers.decimal(value, places) or nil
end

-- Returns an object of those members that have a value; `members` alternates names and values, `count` is their number.
local function object(members, count)
  local pieces = {}
  for place = 1, count, 2 do
    if members[place + 1] then
      pieces[#pieces + 1] = '"' .. members[place] .. '":' .. members[place + 1]
    end
  end
  return "{" .. table.concat(pieces, ",") .. "}"
end

local function optional(value)
  return value and quoted(value) or nil
end

local function pull_requests(run)
  local pieces = {}
  for place, each in ipairs(run.pull_requests) do
    pieces[place] = object({ "url", quoted(each.url), "number", each.number and number(each.number, 0),
      "repository", optional(each.repository) }, 6)
  end
  return "[" .. table.concat(pieces, ",") .. "]"
end

local function run_object(run)
  return object({
    "key", quoted(run.key), "state", quoted(run.state), "answer", optional(run.answer), "error", optional(run.error),
    "cost", number(run.cost, 6), "pull_requests", pull_requests(run), "url", optional(run.url),
    "title", optional(run.title), "conversation_id", quoted(run.conversation_id),
    "started_at", optional(moments.iso(run.started_at)), "ended_at", optional(moments.iso(run.ended_at)),
    "seconds", number(run.seconds, 3), "attempts", number(run.attempts, 0),
  }, 26)
end

local function counts(report)
  local members = {}
  for _, state in ipairs(entry.STATES) do
    members[#members + 1] = state
    members[#members + 1] = number(report.counts[state], 0)
  end
  return object(members, #members)
end

--- Writes the object, in one line for each run.
---@param report openhands.Report
---@return string
function M.write(report)
  local runs = {}
  for place, run in ipairs(report.runs) do
    runs[place] = run_object(run)
  end
  return object({
    "fleet", optional(report.fleet), "now", optional(moments.iso(report.now)), "total", number(report.total, 0),
    "counts", counts(report), "live", number(report.live, 0), "cost", number(report.cost, 6),
    "without_cost", number(report.without_cost, 0), "started_at", optional(moments.iso(report.started_at)),
    "ended_at", optional(moments.iso(report.ended_at)), "seconds", number(report.seconds, 3),
    "runs", #runs == 0 and "[]" or "[\n" .. table.concat(runs, ",\n") .. "\n]",
  }, 22) .. "\n"
end

return M
