--- The service as a pure model: a request goes in, its answer comes out. No sockets, no clock, no randomness: time is
-- virtual (`model:advance`) and ids follow from the seed, so that every run can be repeated.
local events = require "openhands.simulator.events"
local identifiers = require "openhands.simulator.identifiers"
local json = require "openhands.simulator.json"
local limits = require "openhands.simulator.limits"
local routing = require "openhands.simulator.routing"
local script = require "openhands.simulator.script"
local timestamps = require "openhands.simulator.timestamps"

local M = {}

---@class openhands.simulator.Options
---@field api? "both"|"v0"|"v1" which dialects exist (default "both")
---@field spa? boolean whether unknown GET paths are answered with the web page, as on the SaaS (default true)
---@field keys? string[]|false accepted API keys; false (default): every non-empty one
---@field organizations? string[]|false accepted `X-Org-Id` values; false (default): every UUID
---@field unauthorized? "credentials"|"bearer"|"expired"|"auth"|"detail"|"string" form of the 401 for a wrong key
---@field client_ids? boolean false: an old server that ignores `conversation_id` in a V1 start (default true)
---@field visibility? number seconds during which a new V1 job is not shown by any search or look-up (default 0)
---@field pace? number scales how long everything takes; 1 (default): a conversation takes 60 s
---@field outcome? string outcome of every job whose prompt does not ask for another one as `[simulate: NAME]`: finished
--- (default), error, stuck, waiting, budget, paused, missing, idle, slow, flap, unknown, start-error, start-limit,
--- start-repository, never-ready; script.lua says what they are
---@field max_concurrent? integer|false the account's limit (default: none)
---@field limit_mode? "pause"|"refuse" what happens beyond the limit (default "pause")
---@field require_message? boolean V0 only: a start without message is 400 (default false)
---@field old? boolean the shorter answers of older servers (default false)
---@field epoch? number seconds since 1970 at time 0 (default: a morning in August 2026)
---@field time? number virtual time at the beginning, in seconds (default 0)
---@field seed? integer makes other ids (default 1)
---@field max_requests? integer how many requests the log keeps at least (default 10000)
local defaults = {
  api = "both", spa = true, keys = false, organizations = false, unauthorized = "credentials", client_ids = true,
  visibility = 0, pace = 1, outcome = "finished", max_concurrent = false, limit_mode = "pause",
  require_message = false, old = false, epoch = timestamps.parse("2026-08-20T09:15:00Z"), time = 0, seed = 1,
  max_requests = 10000,
}

local allowed = {
  api = { both = true, v0 = true, v1 = true },
  limit_mode = { pause = true, refuse = true },
  unauthorized = routing.unauthorized_forms,
  outcome = script.outcomes,
}

---@class openhands.simulator.Request
---@field method string
---@field path string
---@field query? string raw, without "?"
---@field headers? table<string, string> by lower-case name
---@field body? string
---@field address? string of the server, for links in answers

---@class openhands.simulator.Model
---@field options openhands.simulator.Options
---@field starts table[] every accepted start: `{ time, api, conversation_id, task_id, body, repeated }`
---@field requests table[] the last requests: `{ method, path, query, headers, body, time }`
---@field pending table<string, integer> messages queued per conversation
local methods = {}
local metatable = { __index = methods, __name = "openhands.simulator.Model" }

--- Makes a model.
---@param options? openhands.simulator.Options
---@return openhands.simulator.Model
function M.new(options)
  local model = setmetatable({
    options = {}, starts = {}, requests = {}, pending = {},
    _jobs = {}, _by_id = {}, _by_task = {}, _live = {}, _throttles = {},
  }, metatable)
  for name, value in pairs(defaults) do model.options[name] = value end
  model:configure(options or {})
  model._time = model.options.time
  model._random = model.options.seed
  return model
end

--- Changes options of a living model. Jobs that exist keep their script.
---@param options openhands.simulator.Options
function methods:configure(options)
  for name, value in pairs(options) do
    if defaults[name] == nil then error("unknown option: " .. tostring(name), 2) end
    if allowed[name] and not allowed[name][value] then
      error(("option %s cannot be %s"):format(name, tostring(value)), 2)
    end
    self.options[name] = value
  end
end

--- Virtual time, in seconds.
---@return number
function methods:time() return self._time end

--- The wall clock of the service: seconds since 1970.
---@return number
function methods:now() return self.options.epoch + self._time end

-- Lehmer's generator: small enough for the doubles of every Lua.
local function next_random(model)
  model._random = model._random * 48271 % 2147483647
  return model._random
end

--- A new UUID (version 4 in form) as 32 hexadecimal digits.
---@return string
function methods:new_id()
  local digits = {}
  for index = 1, 8 do digits[index] = ("%04x"):format(math.floor(next_random(self) / 128) % 65536) end
  local text = table.concat(digits)
  return text:sub(1, 12) .. "4" .. text:sub(14, 16) .. "a" .. text:sub(18)
end

local function store_events(model, job, at, name, ...)
  for offset, event in ipairs(events[job.api][name](job, ...)) do
    event.timestamp = timestamps.naive(model.options.epoch + at + offset * 0.001)
    if job.api == "v0" then
      event.id = #job.events
    else
      local last = job.events[#job.events]
      event.id = identifiers.dashed(model:new_id())
      event.parent_id = last and last.id or json.null
    end
    job.events[#job.events + 1] = event
  end
end

local function title_of(prompt)
  local words = prompt:gsub("%[simulate:[^%]]*%]", ""):gsub("%s+", " "):gsub("^ ", "")
  return words == "" and "Simulated work" or words:sub(1, 50)
end

local function apply(model, job, step)
  local event = step.event
  if event then store_events(model, job, step.at, event[1], event[2], event[3]) end
  for name, value in pairs(step.changes) do
    if name == "titled" then
      job.title = title_of(job.prompt)
    else
      job[name] = value or nil
    end
  end
  job.updated_at = step.at
  if job.task_status == "READY" and not job.ready_at then job.ready_at = step.at end
  local status = job.execution_status
  if job.api == "v1" and step.changes.execution_status and status ~= job.told_status then
    job.told_status = status
    store_events(model, job, step.at + 0.01, "state", status)
  end
end

local function settle(model, job)
  while job.steps[job.next_step] and job.steps[job.next_step].at <= model._time do
    apply(model, job, job.steps[job.next_step])
    job.next_step = job.next_step + 1
  end
  return job.steps[job.next_step] ~= nil
end

--- Moves virtual time forward; everything that is due happens.
---@param seconds number
function methods:advance(seconds)
  self._time = self._time + seconds
  local live = {}
  for _, job in ipairs(self._live) do
    if settle(self, job) then live[#live + 1] = job end
  end
  self._live = live
end

--- Replaces what will happen to a job.
---@param job table
---@param steps table[] as script.lua makes them, counted from now
function methods:schedule(job, steps)
  job.steps, job.next_step = {}, 1
  for index, step in ipairs(steps) do
    job.steps[index] = { at = self._time + step[1] * self.options.pace, changes = step[2], event = step[3] }
  end
  if settle(self, job) then
    for _, known in ipairs(self._live) do
      if known == job then return end
    end
    self._live[#self._live + 1] = job
  end
end

--- Makes a job and sets it going.
---@param fields { api: "v0"|"v1", id: string?, body: table, prompt: string, repository: string? }
---@return table job
function methods:add_job(fields)
  local job = fields
  job.id = fields.id or self:new_id()
  job.task_id = fields.api == "v1" and self:new_id() or nil
  job.sandbox_id = ("simulated%013d"):format(#self._jobs + 1)
  job.number, job.wakings, job.events = #self._jobs + 1, 1, {}
  job.created_at, job.updated_at = self._time, self._time
  job.title = "Conversation " .. job.id:sub(1, 5)
  job.outcome = script.outcome_of(job.prompt)
    or (job.repository == "owner/forbidden" and "start-repository") or self.options.outcome
  self._jobs[job.number] = job
  self._by_id[job.id] = job
  if job.task_id then self._by_task[job.task_id] = job end
  self:schedule(job, script.of(job))
  return job
end

--- Lets a job tell events now.
---@param job table
---@param name string a teller of events.lua
function methods:tell(job, name, ...)
  store_events(self, job, self._time, name, ...)
end

--- Notes an accepted start in `starts`.
---@param job table
---@param body table
---@param repeated boolean whether the job was there already
function methods:note_start(job, body, repeated)
  self.starts[#self.starts + 1] = {
    time = self._time, api = job.api, conversation_id = job.id, task_id = job.task_id, body = body,
    repeated = repeated,
  }
end

--- Puts the sandbox of a job to sleep, without a word to anyone.
---@param job table
function methods:pause_job(job)
  job.steps, job.next_step = {}, 1
  job.sandbox_status, job.execution_status, job.told_status = "PAUSED", nil, nil
  job.wakings = job.wakings + 1
  job.updated_at = self._time
end

--- A job by its conversation's id (32 digits), whether it is visible yet or not.
---@return table?
function methods:job(id) return self._by_id[id] end

--- A job by the id of its start task.
---@return table?
function methods:job_of_task(task_id) return self._by_task[task_id] end

--- All jobs, oldest first. Not to be changed.
---@return table[]
function methods:all_jobs() return self._jobs end

--- How many distinct jobs really run or ran: what the account pays for.
---@return integer
function methods:jobs() return #self._jobs end

--- Whether reads show the job already (delayed visibility).
---@param job table
---@return boolean
function methods:shows(job)
  return not job.deleted and self._time >= job.created_at + self.options.visibility
end

--- Gives the next requests one of the five 429s.
---@param name "window"|"burst"|"concurrency"|"quota"|"pending"
---@param count? integer how many (default 1; -1: for ever)
---@param details? openhands.simulator.ThrottleDetails
function methods:throttle(name, count, details)
  limits.add(self._throttles, name, count, details)
end

--- Notes a request in the log, without answering it: all that happens to one that is lost before it is committed.
---@param request openhands.simulator.Request
function methods:record(request)
  local log = self.requests
  log[#log + 1] = {
    method = request.method, path = request.path, query = request.query, headers = request.headers,
    body = request.body, time = self._time,
  }
  local most = self.options.max_requests
  if #log <= 2 * most then return end
  -- Cut in bulk, and in place: callers hold the list.
  local size = #log
  for index = 1, size do log[index] = log[index + size - most] end
end

--- Commits a request and returns its answer, without noting it in the log.
---@param request openhands.simulator.Request
---@return { status: integer, headers: table[], body: string }
function methods:answer(request)
  return routing.answer(self, request)
end

--- Answers a request.
---@param request openhands.simulator.Request
---@return { status: integer, headers: table[], body: string }
function methods:request(request)
  self:record(request)
  return self:answer(request)
end

return M
