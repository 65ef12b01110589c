--- Handles shell commands in the sandbox. Never runs anything on this machine: imitates the commands below, and any
-- other command prints its own text. Output appears as virtual time passes.
--
--     echo TEXT   prints TEXT           exit N   exits with N; `true` and `false` exit with 0 and 1
--     sleep N     prints a dot each second, for N seconds
local agent_paging = require "openhands.simulator.agent.paging"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local stream = require "openhands.simulator.encoding.stream"
local uuid = require "openhands.simulator.encoding.uuid"
local validation = require "openhands.simulator.handler.validation"

local null = json.null

-- Returns the outputs of a command, a list of `{ second, stdout, exit_code }`. Only the last one has an exit code.
local function outputs_of(command)
  local words = command:match("^[ \t\r\n]*(.-)[ \t\r\n]*$")
  local text = words:match("^echo[ \t]+(.*)$")
  if text then
    return { { 0, text:gsub("^(['\"])(.*)%1$", "%2") .. "\n", 0 } }
  end
  local code = words:match("^exit[ \t]+(%d+)$") or words == "true" and 0 or words == "false" and 1
  if code then
    return { { 0, nil, tonumber(code) } }
  end
  local seconds = tonumber(words:match("^sleep[ \t]+(%d+)$"))
  if not seconds then
    return { { 0, words .. "\n", 0 } }
  end
  local outputs = {}
  for second = 1, seconds do
    outputs[second] = { second, "." }
  end
  outputs[#outputs + 1] = { seconds, nil, 0 }
  return outputs
end

-- Returns the outputs up to the timeout of the command. If some are left, the command ends there with exit code -1.
local function within_timeout(outputs, seconds)
  local kept = lists.select(outputs, function(output) return output[1] <= seconds end)
  if #kept < #outputs then
    kept[#kept + 1] = { seconds, nil, -1 }
  end
  return kept
end

local command_body = { kind = "object", fields = {
  command = { kind = "string", required = true }, cwd = { kind = "string", nullable = true },
  timeout = { kind = "integer" },
} }

-- Appends an event to those of a sandbox. Entries of the same time are listed in the order of their numbers, which stay
-- unique when `stop` has removed entries.
local function append(entries, time, event)
  local last = entries[#entries]
  entries[#entries + 1] = { event = event, time = time, number = last and last.number + 1 or 1 }
end

-- Records a command and all its future outputs. Returns the event of the command, the events of its outputs, and the
-- time at which it ends.
local function begin(model, conversation, body)
  local pace = model.options.pace
  conversation.bash = conversation.bash or {}
  local function note(seconds, event)
    local time = model:time() + seconds * pace
    event.id, event.timestamp = model:new_id(), model:timestamp(time)
    append(conversation.bash, time, event)
    return event
  end
  local command = note(0, {
    command = body.command, cwd = body.cwd or null, timeout = body.timeout or 300, kind = "BashCommand",
  })
  local outputs = {}
  for position, output in ipairs(within_timeout(outputs_of(body.command), command.timeout)) do
    outputs[position] = note(output[1], {
      command_id = command.id, order = position - 1, stdout = output[2] or null, stderr = null,
      exit_code = output[3] or null, kind = "BashOutput",
    })
  end
  return command, outputs, conversation.bash[#conversation.bash].time
end

local function start(model, _, conversation, body)
  local command = begin(model, conversation, body)
  return responses.json(200, command)
end

-- Returns one output with the whole text that the command printed. The response waits until the command has ended.
local function execute(model, _, conversation, body)
  local _, outputs, ended = begin(model, conversation, body)
  local printed, last = {}, outputs[#outputs]
  for _, output in ipairs(outputs) do
    if output.stdout ~= null then
      printed[#printed + 1] = output.stdout
    end
  end
  local text = json.encode {
    id = last.id, timestamp = last.timestamp, command_id = last.command_id, order = 0, exit_code = last.exit_code,
    stdout = #printed > 0 and table.concat(printed) or null, stderr = null, kind = "BashOutput",
  }
  local whole = stream.from_string(text)
  return responses.stream(200, "application/json", function()
    local rest = ended - model:time()
    return rest > 0 and rest or whole()
  end, #text)
end

-- Stops a running command: one output with exit code -15 replaces its later outputs.
local function stop(model, call, command_id)
  local id, found = uuid.parse(command_id), false
  if not id then
    return validation.path_uuid("command_id", command_id)
  end
  local kept, is_running, order = {}, false, 0
  for _, entry in ipairs(call.conversation.bash or {}) do
    local own = uuid.parse(entry.event.command_id or entry.event.id) == id
    found = found or own
    if own and entry.time > model:time() then
      is_running = true
    else
      kept[#kept + 1] = entry
      if own and entry.event.kind == "BashOutput" then
        order = order + 1
      end
    end
  end
  if not found then
    return responses.detail(404, "Not Found")
  end
  if is_running then
    append(kept, model:time(), {
      id = model:new_id(), timestamp = model:timestamp(model:time()), command_id = id, order = order, exit_code = -15,
      stdout = null, stderr = null, kind = "BashOutput",
    })
    call.conversation.bash = kept
  end
  return responses.json(200, { success = true })
end

local filter = {
  kind__eq = { kind = "enum", values = { "BashCommand", "BashOutput" } }, command_id__eq = { kind = "uuid" },
  order__gt = { kind = "text" }, timestamp__gte = { kind = "datetime" }, timestamp__lt = { kind = "datetime" },
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

local function past_events(model, conversation)
  local past = lists.select(conversation.bash or {}, function(entry) return entry.time <= model:time() end)
  return paging.sort(past, "time")
end

local function search(model, call)
  local query, refusal = agent_paging.query(call, filter)
  if not query then
    return refusal
  end
  local above = query.order__gt and tonumber(query.order__gt)
  if query.order__gt and not above then
    return validation.value(query.order__gt, { kind = "integer" }, { "query", "order__gt" })
  end
  local found = {}
  for _, entry in ipairs(past_events(model, call.conversation)) do
    local event, at = entry.event, model.options.epoch + entry.time
    if (not query.kind__eq or event.kind == query.kind__eq)
      and (not query.command_id__eq or (event.command_id or event.id) == query.command_id__eq)
      and (not above or event.order and event.order > above)
      and (not query.timestamp__gte or at >= query.timestamp__gte)
      and (not query.timestamp__lt or at < query.timestamp__lt) then
      found[#found + 1] = event
    end
  end
  if query.sort_order == "TIMESTAMP_DESC" then
    found = lists.reversed(found)
  end
  return agent_paging.page(found, query)
end

-- Wraps a handler so that it gets the conversation that represents the sandbox.
local function in_sandbox(handler)
  return function(model, call)
    return handler(model, call, call.conversation)
  end
end

return {
  { method = "POST", path = "/api/bash/execute_bash_command",
    handler = in_sandbox(validation.with_body(command_body, execute)) },
  { method = "POST", path = "/api/bash/start_bash_command",
    handler = in_sandbox(validation.with_body(command_body, start)) },
  { method = "GET", path = "/api/bash/bash_events/search", handler = search },
  { method = "POST", path = "/api/bash/bash_commands/{command_id}/stop", handler = stop },
}
