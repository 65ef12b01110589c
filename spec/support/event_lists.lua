--- Conversations with events in the simulator, in virtual time, and functions on lists of events.
local in_process = require "spec.support.in_process"

local M = {}

--- Returns the ids of events.
function M.ids_of(events)
  local ids = {}
  for i, event in ipairs(events) do
    ids[i] = event.id
  end
  return ids
end

--- Returns a part of a list, to its end by default.
function M.part(list, first, last)
  local some = {}
  for i = first, last or #list do
    some[#some + 1] = list[i]
  end
  return some
end

--- Returns the events of one kind.
function M.of_kind(list, kind)
  local some = {}
  for _, event in ipairs(list) do
    if event.kind == kind then
      some[#some + 1] = event
    end
  end
  return some
end

--- Returns a client, a conversation that has run, the model and the transport.
function M.ran(options, settings, prompt)
  local client, model, transport = in_process.simulated(options, settings)
  local conversation = assert(client:start { initial_user_msg = prompt or "x" })
  model:advance(100)
  return client, conversation, model, transport
end

--- Returns a client, a conversation that begins only now, the model and the transport.
function M.begun(options, settings, prompt)
  local client, model, transport = in_process.simulated(options, settings)
  return client, assert(client:start { initial_user_msg = prompt or "x" }), model, transport
end

--- Returns the requests for events that the model got since a moment.
function M.searches(model, since)
  local list = {}
  for _, request in ipairs(model.requests) do
    if request.path:find "/events" and request.time >= (since or 0) then
      list[#list + 1] = request
    end
  end
  return list
end

return M
