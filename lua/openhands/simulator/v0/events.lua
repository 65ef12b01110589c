--- Handles requests for the events of a V0 conversation, to which the service and the runtime respond in the same way.
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local responses = require "openhands.simulator.http.responses"

local M = {}

local function number_of(query, name, default)
  local given = query[name]
  return tonumber(given and given[#given] or default)
end

--- Returns one page of the events of a conversation as a response.
---@param call openhands.simulator.Call
---@param conversation openhands.simulator.Conversation? nil: not found
---@param id string as requested
---@return openhands.simulator.Response
function M.page(call, conversation, id)
  local limit, from = number_of(call.query, "limit", 20), number_of(call.query, "start_id", 0)
  if not limit or limit < 1 or limit > 100 then
    return responses.detail(400, "Invalid limit")
  end
  if not conversation then
    return responses.detail(404, ("Conversation %s not found"):format(id))
  end
  local to = number_of(call.query, "end_id", #conversation.events - 1) or #conversation.events - 1
  local found = lists.select(conversation.events, function(event)
    return conversation.api == "v0" and event.id >= (from or 0) and event.id <= to
  end)
  if call.query.reverse and call.query.reverse[1] == "true" then
    table.sort(found, function(one, other) return one.id > other.id end)
  end
  local page = json.array()
  for index = 1, math.min(limit, #found) do
    page[index] = found[index]
  end
  return responses.json(200, { events = page, has_more = #found > limit })
end

return M
