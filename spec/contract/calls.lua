--- Sends every operation to a mock server of a published document, and reads the violations from its log.
--   calls.lua rows API                                prints the operations, for document.js
--   calls.lua send API DOCUMENT ADDRESS LOG           ends with a line `N passed, N failed`
local cjson = require "cjson"
local core = require "openhands.core"
local differences = require "spec.support.openapi_differences"
local files = require "spec.support.files"
local openapi = require "spec.support.openapi"
local samples = require "spec.contract.samples"

local KEY, SESSION_KEY = "canary-of-the-account", "canary-of-the-session"
-- Operations whose document is stricter than the service, and why.
local excused = {
  agent = { set_secrets = "the server also accepts plain text, and converts it to what the document requires" },
}

local TIMEOUT = 30 -- seconds for one call

local command, api, source, address, log_path = arg[1], arg[2], arg[3], arg[4], arg[5]

local function rows()
  local of_api = {}
  for _, row in ipairs(core.operations()) do
    if row.api == api then
      of_api[#of_api + 1] = row
    end
  end
  return of_api
end

if command == "rows" then
  for _, row in ipairs(rows()) do
    local sends = "nothing"
    for _, field in ipairs(row.fields) do
      if field.place ~= "path" and field.place ~= "query" and field.place ~= "header" then
        sends = "body"
      end
    end
    print(("%s %s %s %s"):format(row.method, row.path, row.host, sends))
  end
  os.exit(0)
end

local document = cjson.decode(files.read(source))
local published = openapi.operations(document)
local client = core.new { base_url = address, api_key = KEY, connect_timeout = 5 }
local misspelt_client = core.new { base_url = address .. "/misspelt", api_key = KEY, connect_timeout = 5 }
local scratch = os.tmpname()

-- Returns the schema of a field by its place. Path parameters may have other names in the document.
local function schema_of(places, field)
  if field.place == "whole" then
    return places.whole
  end
  local there = places[field.place] and places[field.place][field.wire]
  return there and there.schema
end

-- Tells whether a difference between field and document is known and explained.
local function differs(row, field, words)
  local spot = openapi.spot(row.method, row.path)
  return differences[api][("%s: %s '%s' %s"):format(spot, field.place, field.wire, words)] ~= nil
end

-- A document may be older than its server: it lacks new fields and requires old ones.
local function is_sent(row, field, which)
  if api == "agent" and differs(row, field, "is not published") then
    return false
  end
  return which ~= "required" or field.required or differs(row, field, "is required there")
end

-- Returns the fields of a call: all or the required ones, each in its first spelling or in its last ("others").
local function fill(row, which)
  local chosen, fields = {}, {}
  for _, field in ipairs(row.fields) do
    local place = field.place .. " " .. field.wire
    if is_sent(row, field, which) and (which == "others" or not chosen[place]) then
      chosen[place] = field
    end
  end
  local places = openapi.places(document, published[openapi.spot(row.method, row.path)])
  for _, field in pairs(chosen) do
    fields[field.name] = fields[field.name] or samples.of_field(document, field, schema_of(places, field))
  end
  return fields
end

local function has_spellings(row)
  local seen = {}
  for _, field in ipairs(row.fields) do
    local place = field.place .. " " .. field.wire
    if seen[place] then
      return true
    end
    seen[place] = true
  end
end

-- Waits for the end of the only exchange in flight.
local function finish(through)
  local number, value, err
  repeat
    through:step(0.1)
    number, value, err = through:next()
  until number
  return value, err
end

-- Performs one exchange. Returns why it was refused, if it was, and whether it reached the server. Ignores what the
-- core thinks of the mock's response.
local function exchange(through, base, row, fields)
  local options = { api = api, timeout = TIMEOUT }
  if row.host == "runtime" then
    options.server, options.session_api_key = base, SESSION_KEY
  end
  if row.shape == "file" then
    options.download = scratch
  end
  local number, err = core[row.name](through, fields, options)
  if number then
    err = select(2, finish(through))
  end
  if err and not err.status then
    return ("%s: %s"):format(err.kind, err.reason or ""), false
  end
  return err and err.status >= 400 and ("HTTP status %d"):format(err.status) or nil, true
end

-- Returns the logged requests in order: `method`, `path` and the violations. Violations of the mock's own responses are
-- skipped.
local function log_of(path)
  local requests = {}
  for line in io.lines(path) do
    local method, where = line:match "%[HTTP SERVER%] (%l+) (%S+) .*Request received"
    if method then
      requests[#requests + 1] = { method = method:upper(), path = where, violations = {} }
    elseif line:find "Violation: request" then
      local violations = requests[#requests].violations
      violations[#violations + 1] = line:match "Violation: (.*)"
    end
  end
  return requests
end

local LAST = "/after-the-last-call"

-- Returns the whole log. It is complete once it contains a request that was sent after all others.
local function complete_log()
  for _ = 1, 200 do
    assert(core.request(client, { path = LAST }, { timeout = TIMEOUT }))
    finish(client)
    local requests = log_of(log_path)
    if #requests > 0 and requests[#requests].path == LAST then
      return requests
    end
  end
  error "the server does not write its log"
end

local function matches(request, row, prefix)
  local pattern = (prefix .. row.path):gsub("[-.]", "%%%0"):gsub("{[^}]*}", "[^/]+")
  return request.method == row.method and request.path:find("^" .. pattern .. "$") ~= nil
end

local calls = {}

local function call(row, which)
  local misspelt = which == "misspelt"
  local through, base = client, address
  if misspelt then
    through, base = misspelt_client, address .. "/misspelt"
  end
  local problem, arrived = exchange(through, base, row, fill(row, misspelt and "all" or which))
  calls[#calls + 1] = { row = row, which = which, problem = problem, arrived = arrived }
end

for _, row in ipairs(rows()) do
  local spot = openapi.spot(row.method, row.path)
  if not published[spot] then
    local reason = differences[api][spot .. ": is not published"]
    if reason then
      print(("skipped: %s (%s): %s"):format(row.name, spot, reason))
    else
      calls[#calls + 1] = { row = row, which = "all", problem = spot .. " is not in the document" }
    end
  else
    call(row, "all")
    if has_spellings(row) then
      call(row, "others")
    end
    call(row, "required")
    if published[openapi.spot(row.method, "/misspelt" .. row.path)] then
      call(row, "misspelt")
    end
  end
end
os.remove(scratch)

-- Returns what is wrong with a request to the misspelt twin of its operation: it must have been refused.
local function judge_misspelt(request)
  for _, violation in ipairs(request.violations) do
    if violation:find("_misspelt", 1, true) or violation:find("additional properties", 1, true) then
      return nil
    end
  end
  return "wrong names of fields were not found"
end

local function judge(made, request)
  local misspelt = made.which == "misspelt"
  if not matches(request, made.row, misspelt and "/misspelt" or "") then
    return ("the server saw %s %s"):format(request.method, request.path)
  elseif misspelt then
    return judge_misspelt(request)
  elseif excused[api] and excused[api][made.row.name] then
    return #request.violations == 0 and "no longer needs an excuse" or nil
  elseif #request.violations > 0 then
    return table.concat(request.violations, "; ")
  end
  return made.problem
end

local passed, failed = 0, 0
local requests, nth = complete_log(), 0
for _, made in ipairs(calls) do
  local problem = made.problem
  if made.arrived then
    nth = nth + 1
    problem = judge(made, requests[nth])
  end
  if problem then
    failed = failed + 1
    print(("FAIL  %s %s (%s): %s"):format(api, made.row.name, made.which, problem))
  else
    passed = passed + 1
  end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
