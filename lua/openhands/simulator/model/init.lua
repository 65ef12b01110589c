--- The service as a pure model: a request goes in, its answer comes out. No sockets, no clock, no randomness: time is
-- virtual (`model:advance`) and ids follow from the seed, so that every run can be repeated.
local account = require "openhands.simulator.model.account"
local events = require "openhands.simulator.model.events"
local history = require "openhands.simulator.model.history"
local identifiers = require "openhands.simulator.encoding.uuid"
local limits = require "openhands.simulator.model.limits"
local options = require "openhands.simulator.model.options"
local routing = require "openhands.simulator.dispatch"
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

---@class openhands.simulator.Request
---@field method string
---@field path string
---@field query? string raw, without "?"
---@field headers? table<string, string> by lower-case name
---@field body? string
---@field address? string of the server, for links in answers

--- Of `body` and `stream` there is one: an answer that comes bit by bit has a source of bytes (stream.lua) instead.
---@class openhands.simulator.Answer
---@field status integer
---@field headers { [1]: string, [2]: string }[]
---@field body? string
---@field stream? openhands.simulator.Source
---@field length? integer of the stream, where it is announced

--- A conversation as the model has it.
---@class openhands.simulator.Job
---@field api "v0"|"v1"
---@field id string? 32 digits
---@field body table of its start
---@field prompt string
---@field repository string?
---@field task_id string?
---@field sandbox_id string
---@field number integer
---@field wakings integer
---@field events table[]
---@field created_at number
---@field updated_at number
---@field title string
---@field outcome string
---@field task_states table?
---@field history openhands.simulator.History?
---@field [string] any what script.lua changes as time goes on

--- The options of a model, which has a value for each.
---@class openhands.simulator.AllOptions: openhands.simulator.Options
---@field event_count integer
---@field event_pages "plain"|"empty"|"repeat"|"stuck"|"overlap"
---@field list_pages "plain"|"empty"|"repeat"|"stuck"|"overlap"
---@field git_providers string[]

---@class openhands.simulator.Model
---@field options openhands.simulator.AllOptions
---@field starts table[] every accepted start: `{ time, api, conversation_id, task_id, body, repeated }`
---@field requests table[] the last requests: `{ method, path, query, headers, body, time }`
---@field pending table<string, string[]> queued messages, by the id under which they were sent
---@field leaks table[] requests that brought the account's key to a sandbox: `{ time, method, path }`
---@field secrets table[] of the account, in both dialects: `{ name, value, description }`
---@field account openhands.simulator.Account
---@field repeated_pages table<string, true> pages that have repeated their own id, by path and id
---@field private _jobs openhands.simulator.Job[]
---@field private _by_id table<string, openhands.simulator.Job>
---@field private _by_task table<string, openhands.simulator.Job>
---@field private _live openhands.simulator.Job[] those to which something will happen
---@field private _throttles table
---@field private _sandboxes table[] made without a conversation
---@field private _time number virtual, seconds
---@field private _random number
local methods = {}
local metatable = { __index = methods, __name = "openhands.simulator.Model" }

--- Makes a model.
---@param given? openhands.simulator.Options
---@return openhands.simulator.Model
function M.new(given)
  local model = setmetatable({
    options = {}, starts = {}, requests = {}, pending = {}, leaks = {}, repeated_pages = {},
    secrets = {}, account = account.new(),
    _jobs = {}, _by_id = {}, _by_task = {}, _live = {}, _throttles = {}, _sandboxes = {},
  }, metatable)
  for name, value in pairs(options.defaults) do model.options[name] = value --[[@as any]] end
  model:configure(given or {})
  model._time = model.options.time
  model._random = model.options.seed
  return model
end

--- Changes options of a living model. Jobs that exist keep their script.
---@param changes openhands.simulator.Options
function methods:configure(changes)
  options.change(self.options, changes)
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
    local time = model.options.epoch + at + offset * 0.001
    if job.history then
      event.id = identifiers.dashed(model:new_id())
      job.events[#job.events + 1] = event
      job.history:tell(event, time)
    else
      event.id, event.timestamp = #job.events, timestamps.naive(time)
      job.events[#job.events + 1] = event
    end
  end
end

local function title_of(prompt)
  local words = prompt:gsub("%[simulate:[^%]]*%]", ""):gsub("[ \t\r\n]+", " "):gsub("^ ", "")
  return words == "" and "Simulated work" or words:sub(1, 50)
end

-- What a start task said of itself at this moment: a stream of it must not miss a state.
local function note_task_state(job)
  job.task_states[#job.task_states + 1] = {
    task_status = job.task_status, task_detail = job.task_detail, sandbox_status = job.sandbox_status,
    ready_at = job.ready_at, updated_at = job.updated_at,
  }
end

-- Queued messages are looked for when the conversation is ready, under these two spellings and no other.
local function deliver(model, job, at)
  for _, key in ipairs { "task-" .. tostring(job.task_id), identifiers.dashed(job.id) } do
    for _, text in ipairs(model.pending[key] or {}) do store_events(model, job, at, "message", text) end
    model.pending[key] = nil
  end
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
  if job.task_status == "READY" and not job.ready_at then
    job.ready_at = step.at
    deliver(model, job, step.at)
  end
  if step.changes.task_status then note_task_state(job) end
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
---@return openhands.simulator.Job
function methods:add_job(fields)
  local job = fields --[[@as openhands.simulator.Job]]
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
  if job.api == "v1" then
    job.task_states, job.history = {}, history.new(job --[[@as { id: string, events: table[] }]])
    job.history:add_until(self.options.event_count, self:now(), 0.25)
  end
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
---@return openhands.simulator.Job?
function methods:job(id) return self._by_id[id] end

--- A job by the id of its start task.
---@return openhands.simulator.Job?
function methods:job_of_task(task_id) return self._by_task[task_id] end

--- A V1 conversation that reads show: its start task is READY, and nobody has deleted it.
---@param id string its conversation's id, in either spelling
---@return table? job
function methods:conversation(id)
  local job = self._by_id[identifiers.uuid(id)]
  return job and job.api == "v1" and job.ready_at and self:shows(job) and job or nil
end

--- In how many seconds the next thing happens to a job by itself.
---@param job table
---@return number? seconds nil when nothing will
function methods:next_change(job)
  local step = job.steps[job.next_step]
  return step and step.at - self._time
end

--- Adds made-up events to a V1 conversation, now.
---@param id string its conversation's id, in either spelling
---@param count integer
function methods:add_events(id, count)
  local job = self._by_id[identifiers.uuid(id)]
  if not job or not job.history then error("no V1 conversation has the id " .. tostring(id), 2) end
  job.history:add(count, self:now(), 1e-6)
end

--- Makes a sandbox without a conversation.
---@param spec_id? string what it is made of
---@return table sandbox in the form of a job, as far as views.lua and `schedule` need it
function methods:add_sandbox(spec_id)
  local number = #self._sandboxes + 1
  local sandbox = {
    sandbox_id = ("standalone%012d"):format(number), sandbox_spec_id = spec_id, wakings = 1, events = {},
    number = 1e6 + number, -- far from the numbers of jobs: keys are made of it
    created_at = self._time, updated_at = self._time,
  }
  self._sandboxes[number] = sandbox
  self:schedule(sandbox, script.of_sandbox())
  return sandbox
end

--- All sandboxes without a conversation, oldest first. Not to be changed.
---@return table[]
function methods:bare_sandboxes() return self._sandboxes end

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
---@return openhands.simulator.Answer
function methods:answer(request)
  local response = routing.answer(self, request)
  table.insert(response.headers, { "Date", timestamps.http(self:now()) })
  return response
end

--- Answers a request.
---@param request openhands.simulator.Request
---@return openhands.simulator.Answer
function methods:request(request)
  self:record(request)
  return self:answer(request)
end

return M
