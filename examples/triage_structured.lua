--- Triages issues: an agent looks at each, and leaves what it found as a JSON file, which is fetched and checked.
--
--   lua examples/triage_structured.lua REPOSITORY NUMBER...     for example: owner/one 12 17 31
--
-- Prints a line for each issue. An answer in words cannot be checked by a program; a file with a known form can. What
-- does not have this form is an error of its issue.
--
-- Needs OPENHANDS_API_KEY, and the V1 API for files. LEDGER is a path or a URL of PostgreSQL.
local cjson = require "cjson"
local openhands = require "openhands"

local repository = table.remove(arg, 1)
if #arg == 0 then
  io.stderr:write "usage: lua examples/triage_structured.lua REPOSITORY NUMBER...\n"
  os.exit(2)
end

local PROMPT = [[
Triage issue #{number}: reproduce it if you can, find the part of the code that causes it, and look for duplicates.
Change nothing. Write the result to triage.json in the root of the workspace, as one JSON object with these fields:
  "severity": "low", "medium" or "high"
  "component": the directory that is to blame, e.g. "src/parser"
  "is_reproduced": true or false
  "duplicate_of": the number of an older issue; leave it out if there is none
]]

local SEVERITIES = { low = true, medium = true, high = true }

-- Returns what a file says, or nil and what is wrong with it. An agent may write anything.
local function decode(text)
  local good, value = pcall(cjson.decode, text)
  if not good or type(value) ~= "table" then
    return nil, "triage.json is not a JSON object"
  elseif not SEVERITIES[value.severity] then
    return nil, "its severity is unknown"
  elseif type(value.component) ~= "string" or type(value.is_reproduced) ~= "boolean" then
    return nil, "a field is missing"
  elseif value.duplicate_of ~= nil and type(value.duplicate_of) ~= "number" then
    return nil, "duplicate_of is no number"
  end
  return value
end

-- Fetches the file of a run that is done. Its sandbox may be paused: files can be read only while it is up.
local function fetch(run)
  local text = openhands.file(run.conversation_id, "triage.json")
  if not text or text == "" then
    local resumed, err = openhands.resume(run.conversation_id)
    if not resumed then
      return nil, err
    end
    text = openhands.file(run.conversation_id, "triage.json")
  end
  local good, err = openhands.pause(run.conversation_id)
  if not text then
    return nil, not good and err or "the file cannot be read"
  end
  return decode(text)
end

local fleet = assert(openhands.fleet {
  name = "triage of " .. repository, slots = 4, after = "leave", ledger = os.getenv "LEDGER",
})
for _, number in ipairs(arg) do
  assert(fleet:add({ key = "#{number}", repository = repository, initial_user_msg = PROMPT }, { { number = number } }))
end

local results, problems = {}, {}
local report = assert(fleet:run {
  on_done = function(run)
    if run.state == "done" then
      results[run.key], problems[run.key] = fetch(run)
    end
  end,
})

local failed = 0
for _, run in ipairs(report.runs) do
  if run.state == "done" and not results[run.key] and not problems[run.key] then -- ended when this script ran before
    results[run.key], problems[run.key] = fetch(run)
  end
  local result = results[run.key]
  if result then
    print(("%-6s %-7s %-24s %s"):format(run.key, result.severity, result.component,
      result.is_reproduced and "reproduced" or "not reproduced"))
  else
    failed = failed + 1
    print(("%-6s %s"):format(run.key, tostring(problems[run.key] or run.error or run.state)))
  end
end
fleet:close()
os.exit(failed == 0 and 0 or 1)
