--- Commands in the sandbox. Nothing is ever run on this machine: a few words are understood, anything else prints
-- itself. Outputs come as virtual time passes.
--
--     echo TEXT   prints TEXT           exit N   ends with the code N, as do `true` and `false` with 0 and 1
--     sleep N     prints a dot each second, for N seconds
local agent_paging = require "openhands.simulator.agent.paging"
local agent_view = require "openhands.simulator.agent.views"
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local stream = require "openhands.simulator.encoding.stream"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"

local null = json.null

-- What a command prints, and when: `{ second, stdout, exit_code }`; the last one has the code.
local function outputs_of(command)
  local words = command:match("^[ \t\r\n]*(.-)[ \t\r\n]*$")
  local text = words:match("^echo[ \t]+(.*)$")
  if text then return { { 0, text:gsub("^(['\"])(.*)%1$", "%2") .. "\n", 0 } } end
  local code = words:match("^exit[ \t]+(%d+)$") or words == "true" and 0 or words == "false" and 1
  if code then return { { 0, nil, tonumber(code) } } end
  local seconds = tonumber(words:match("^sleep[ \t]+(%d+)$"))
  if not seconds then return { { 0, words .. "\n", 0 } } end
  local outputs = {}
  for second = 1, seconds do outputs[second] = { second, "." } end
  outputs[#outputs + 1] = { seconds, nil, 0 }
  return outputs
end

-- The end of a command that takes too long.
local function limited(outputs, seconds)
  local kept = paging.select(outputs, function(output) return output[1] <= seconds end)
  if #kept < #outputs then kept[#kept + 1] = { seconds, nil, -1 } end
  return kept
end

local command_body = { kind = "object", fields = {
  command = { kind = "string", required = true }, cwd = { kind = "string", nullable = true },
  timeout = { kind = "integer" },
} }

-- Notes a command and everything that it is going to print. Returns the events of both, and when it has ended.
local function begin(model, job, body)
  local pace = model.options.pace
  job.bash = job.bash or {}
  local function note(seconds, event)
    event.id, event.timestamp = model:new_id(), timestamps.utc(model:now() + seconds * pace)
    table.insert(job.bash, { event = event, time = model:time() + seconds * pace, number = #job.bash + 1 })
    return event
  end
  local command = note(0, {
    command = body.command, cwd = body.cwd or null, timeout = body.timeout or 300, kind = "BashCommand",
  })
  local outputs = {}
  for position, output in ipairs(limited(outputs_of(body.command), command.timeout)) do
    outputs[position] = note(output[1], {
      command_id = command.id, order = position - 1, stdout = output[2] or null, stderr = null,
      exit_code = output[3] or null, kind = "BashOutput",
    })
  end
  return command, outputs, job.bash[#job.bash].time
end

local function start(model, _, job, body)
  local command = begin(model, job, body)
  return reply.json(200, command)
end

-- One output with everything that was printed. It comes when the command has ended: the client has to wait.
local function execute(model, _, job, body)
  local _, outputs, ended = begin(model, job, body)
  local printed, last = {}, outputs[#outputs]
  for _, output in ipairs(outputs) do
    if output.stdout ~= null then printed[#printed + 1] = output.stdout end
  end
  local text = json.encode {
    id = last.id, timestamp = last.timestamp, command_id = last.command_id, order = 0, exit_code = last.exit_code,
    stdout = #printed > 0 and table.concat(printed) or null, stderr = null, kind = "BashOutput",
  }
  local whole = stream.of(text)
  return reply.stream(200, "application/json", function()
    local rest = ended - model:time()
    return rest > 0 and rest or whole()
  end, #text)
end

-- Ends a command, if it still runs: what it would have printed later is not printed.
local function stop(model, call, command_id)
  local id, found = identifiers.uuid(command_id), false
  if not id then return reply.detail(422, json.array(validation.path_uuid("command_id", command_id))) end
  local kept, is_running = {}, false
  for _, entry in ipairs(call.job.bash or {}) do
    local own = identifiers.uuid(entry.event.command_id or entry.event.id) == id
    found = found or own
    if own and entry.time > model:time() then
      is_running = true
    else
      kept[#kept + 1] = entry
    end
  end
  if not found then return reply.detail(404, "Not Found") end
  if is_running then
    local output = {
      id = model:new_id(), timestamp = timestamps.utc(model:now()), command_id = id, order = #kept, exit_code = -15,
      stdout = null, stderr = null, kind = "BashOutput",
    }
    kept[#kept + 1] = { event = output, time = model:time(), number = #kept + 1 }
    call.job.bash = kept
  end
  return reply.json(200, { success = true })
end

local filter = {
  kind__eq = { kind = "enum", values = { "BashCommand", "BashOutput" } }, command_id__eq = { kind = "uuid" },
  order__gt = { kind = "text" }, timestamp__gte = { kind = "datetime" }, timestamp__lt = { kind = "datetime" },
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

local function told(model, job)
  local past = paging.select(job.bash or {}, function(entry) return entry.time <= model:time() end)
  return paging.sort(past, "time")
end

local function search(model, call)
  local query, refusal = agent_paging.query(call, filter)
  if not query then return refusal end
  local above = query.order__gt and tonumber(query.order__gt)
  if query.order__gt and not above then
    local errors = {}
    validation.check(query.order__gt, { kind = "integer" }, json.array { "query", "order__gt" }, errors)
    return reply.detail(422, json.array(errors))
  end
  local found = {}
  for _, entry in ipairs(told(model, call.job)) do
    local event, at = entry.event, model.options.epoch + entry.time
    if (not query.kind__eq or event.kind == query.kind__eq)
      and (not query.command_id__eq or (event.command_id or event.id) == query.command_id__eq)
      and (not above or event.order and event.order > above)
      and (not query.timestamp__gte or at >= query.timestamp__gte)
      and (not query.timestamp__lt or at < query.timestamp__lt) then
      found[#found + 1] = event
    end
  end
  if query.sort_order == "TIMESTAMP_DESC" then found = agent_paging.reversed(found) end
  return agent_paging.answer(found, query)
end

-- Commands belong to the sandbox, whatever conversations it has.
local function in_sandbox(answer)
  return function(model, call) return answer(model, call, call.job) end
end

return {
  { method = "POST", path = "/api/bash/execute_bash_command",
    answer = in_sandbox(agent_view.with_body(command_body, execute)) },
  { method = "POST", path = "/api/bash/start_bash_command",
    answer = in_sandbox(agent_view.with_body(command_body, start)) },
  { method = "GET", path = "/api/bash/bash_events/search", answer = search },
  { method = "POST", path = "/api/bash/bash_commands/{command_id}/stop", answer = stop },
}
