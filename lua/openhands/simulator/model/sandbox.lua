--- How the runtime of a job is reached: whether it is up, at which address, with which key. In both dialects.
local json = require "openhands.simulator.encoding.json"
local views = require "openhands.simulator.v1.views"

local M = {}

local null = json.null

-- What V1 would call the state of a V0 conversation's runtime.
local sandbox_status_of = { RUNNING = "RUNNING", STARTING = "STARTING", STOPPED = "PAUSED", ERROR = "ERROR" }

--- The state of a job's sandbox, in the words of V1.
---@param job table
---@return string? status
function M.sandbox_status(job)
  if job.deleted then return "MISSING" end
  if job.api == "v0" then return sandbox_status_of[job.status] end
  return job.sandbox_status
end

--- The key that opens the runtime now: a new one after each awakening. Obviously not real.
---@param job table
---@return string|table key or null
function M.session_key(job)
  if job.api ~= "v0" then return views.session_key(job) end
  if job.status ~= "RUNNING" then return null end
  return ("SIMULATED-runtime-key-%d-%d-not-real"):format(job.number, job.wakings)
end

--- Where the sandbox of a job is served.
---@param job table
---@param address string of the server
---@return string
function M.base(job, address)
  return address .. "/runtime/" .. job.sandbox_id
end

--- Where the conversation itself is served.
---@param job table
---@param address string of the server
---@return string|table url or null
function M.conversation_url(job, address)
  if M.sandbox_status(job) ~= "RUNNING" then return null end
  return M.base(job, address) .. "/api/conversations/" .. job.id
end

return M
