-- The fuzzer: sends any response to any call. None may raise, hang or leak a key into a text.
--   run.lua SECONDS [SEED]     SECONDS 0: only the one case of SEED; else cases from SEED on until the time is over
-- The seed alone decides what a case does. Closes with `N passed, N failed`.
local calls = require "spec.fuzz.calls"
local core = require "openhands.core"
local errors = require "openhands.errors"
local mutations = require "spec.fuzz.mutations"
local numbers = require "spec.fuzz.random"

local seconds, first = tonumber(arg[1]) or 60, tonumber(arg[2]) or os.time() % 1000000 * 1000
local most_failures = 10 -- shown
local most_requests = 5000 -- of one call
local most_steps = 400 -- millions of instructions of one call

-- Conversations that are the same in each run.
local function fixed_ids()
  local count = 0
  core.uuid = function()
    count = count + 1
    return ("5eed0000-0000-4000-8000-%012x"):format(count)
  end
end

-- Collects every text that can be reached from a value. A conversation may show what the service sends, except the key
-- of its server, which no dump may show.
local function each_text(value, visit, where, seen)
  if type(value) == "string" then
    visit(value, where)
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    if (getmetatable(value) or {}).__name == "openhands.Conversation" then
      each_text(rawget(value, "session_api_key"), visit, where .. ".session_api_key", seen)
      return
    end
    for name, item in pairs(value) do
      if name ~= "results" then
        visit(tostring(name), where)
        each_text(item, visit, where .. "." .. tostring(name), seen)
      end
    end
  end
end

local function find_key(keys, value, where)
  local found
  each_text(value, function(text, place)
    for _, key in ipairs(keys) do
      if text:find(key, 1, true) then
        found = found or ("a key is in %s: %s"):format(place, text:sub(1, 200))
      end
    end
  end, where, {})
  return found
end

-- Redacted texts do not change when they are redacted again, and are short.
local function check_text(name, text)
  if core.redact(text) ~= text then
    return ("%s changes when it is cleaned again: %q"):format(name, text:sub(1, 300))
  end
end

local function check_error(err, keys)
  if not errors.is(err) or type(err.kind) ~= "string" or type(err.message) ~= "string" then
    return "an error that is none: " .. tostring(err)
  end
  local is_foreign = err.kind ~= "raised"
  return is_foreign and #err.message > 1000 and "a message of " .. #err.message .. " bytes"
    or is_foreign and err.message:find "%c" and "a message of several lines"
    or check_text("the message", err.message)
    or type(err.detail) == "string" and check_text("the detail", err.detail)
    or find_key(keys, err, "err")
    or find_key(keys, tostring(err), "tostring(err)")
    or nil
end

local function stop(most, what)
  error(("it does not end: more than %d %s"):format(most, what))
end

-- Runs a function with a time limit; returns what `pcall` returns.
local function bounded(run, at)
  local count, steps = 0, 0
  local request = at.transport.request
  at.transport.request = function(...)
    count = count + 1
    if count > most_requests then
      stop(most_requests, "requests")
    end
    return request(...)
  end
  debug.sethook(function()
    steps = steps + 1
    if steps > most_steps then
      stop(most_steps, "million instructions")
    end
  end, "", 1000000)
  local good, value, err = xpcall(run, function(problem)
    return errors.is(problem) and problem or tostring(problem) .. "\n" .. debug.traceback()
  end)
  debug.sethook()
  return good, value, err
end

-- Returns what is wrong with one case, or nil.
local function try(seed)
  local random = numbers.new(seed)
  local call = random:of(calls.list)
  local lines = {}
  fixed_ids()
  local at = call.prepare { retries = random:up_to(3) - 1, log = function(line) lines[#lines + 1] = line end }
  local keys = { mutations.API_KEY, at.conversation.session_api_key }
  local request = at.transport.request
  local share, mutate = random:of { 1, 1, 2, 4, 10 }, mutations.apply_to_fields
  at.transport.request = function(...)
    local answer = request(...)
    return random:one_in(share) and mutate(random, answer) or answer
  end
  local looks, again = random:one_in(2), random:one_in(3)
  local good, value, err = bounded(function()
    if looks then -- what was seen before decides where a call goes
      at.client:status(at.conversation)
    end
    mutate = random:one_in(4) and mutate or mutations.apply
    if again then
      call.run(at)
    end
    return call.run(at)
  end, at)
  local problem
  if not good then
    problem = "it raises: " .. tostring(value)
  elseif value == nil and err ~= nil or errors.is(err) then
    problem = check_error(err, keys)
  end
  problem = problem or find_key(keys, lines, "the log")
    or type(value) == "table" and find_key(keys, tostring(value), "tostring(value)")
  for _, line in ipairs(lines) do
    problem = problem or #line > 1000 and "a log line of " .. #line .. " bytes" or check_text("a log line", line)
  end
  os.remove(at.target)
  at.client:close()
  return problem and ("%s: %s"):format(call.name, problem)
end

local passed, failed, ends_at = 0, 0, os.time() + seconds
local seed = first
print(("seeds from %d on, for %d s: %d calls"):format(first, seconds, #calls.list))
repeat
  local ran, problem = pcall(try, seed)
  if ran and not problem then
    passed = passed + 1
  else
    failed = failed + 1
    if failed <= most_failures then
      print(("FAIL seed %d (make fuzz SECONDS=0 SEED=%d): %s"):format(seed, seed, tostring(problem)))
    end
  end
  seed = seed + 1
until os.time() >= ends_at
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
