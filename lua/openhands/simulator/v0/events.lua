--- The events of a V0 conversation, which the service and the runtime serve alike.
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"

local M = {}

local function number_of(query, name, default)
  local given = query[name]
  return tonumber(given and given[#given] or default)
end

--- One page of the events of a job, as an answer.
---@param call table
---@param job table? nil: there is none
---@param id string as it was asked for
function M.answer(call, job, id)
  local limit, from = number_of(call.query, "limit", 20), number_of(call.query, "start_id", 0)
  if not limit or limit < 1 or limit > 100 then return reply.detail(400, "Invalid limit") end
  if not job then return reply.detail(404, ("Conversation %s not found"):format(id)) end
  local to = number_of(call.query, "end_id", #job.events - 1) or #job.events - 1
  local found = paging.select(job.events, function(event)
    return job.api == "v0" and event.id >= (from or 0) and event.id <= to
  end)
  if call.query.reverse and call.query.reverse[1] == "true" then
    table.sort(found, function(one, other) return one.id > other.id end)
  end
  local page = json.array()
  for index = 1, math.min(limit, #found) do page[index] = found[index] end
  return reply.json(200, { events = page, has_more = #found > limit })
end

return M
