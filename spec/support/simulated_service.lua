--- Sends requests to the simulator's model without a client: one function takes a method and a path with its query.
local core = require "openhands.core"
local json = require "openhands.simulator.encoding.json"
local simulator = require "openhands.simulator"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

--- The address of the server, from which the model builds links.
M.address = "http://127.0.0.1:4711"

--- Ids of conversations: one that the caller chose, in both spellings, and one that nobody has.
M.own_id, M.own_hex = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718", "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
M.nobody = ("0"):rep(32)

--- Returns the names of an object's fields, sorted, in one line.
---@param object table
---@return string
function M.fields_of(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

--- Returns the words of a text, sorted, in one line.
---@param text string
---@return string
function M.sorted(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return M.fields_of(words)
end

--- Returns a header of an answer.
---@param response openhands.simulator.Response
---@param name string in lower case
---@return string?
function M.header(response, name)
  for _, pair in ipairs(response.headers) do
    if core.lower(pair[1]) == name then return pair[2] end
  end
end

--- Sends a request. JSON is returned decoded, a stream as a whole: the model's time passes until it has ended.
---@param model openhands.simulator.Model
---@param method string
---@param target string path and query
---@param body any a table is sent as JSON
---@param headers? table<string, string> default: with a key
---@return any value
---@return openhands.simulator.Response response
function M.send(model, method, target, body, headers)
  local path, query = target:match("^([^?]*)%??(.*)$")
  local response = model:request {
    method = method, path = path, query = query ~= "" and query or nil, address = M.address,
    headers = headers or { authorization = "Bearer any-key" },
    body = type(body) == "table" and json.encode(body) or body or "",
  }
  local value = response.body or stream.read_all(response.stream, function(seconds) model:advance(seconds) end)
  if M.header(response, "content-type") == "application/json" then value = json.decode(value) end
  return value, response
end

--- Returns functions that send requests to a model, which `make` replaces. They are called without `self`.
---@return table
function M.new()
  local here, model = {}, nil

  --- Makes a new model, to which all following requests go.
  function here.make(options)
    model = simulator.model(options)
    return model
  end

  function here.call(method, target, body, headers) return M.send(model, method, target, body, headers) end

  function here.get(target, headers) return M.send(model, "GET", target, nil, headers) end

  --- Starts a V1 conversation.
  function here.start(text, extra, path)
    local body = { initial_message = { content = { { type = "text", text = text or "Fix the typo." } } } }
    for name, value in pairs(extra or {}) do body[name] = value end
    return here.call("POST", path or "/api/v1/app-conversations", body)
  end

  function here.conversation(id) return here.get("/api/v1/app-conversations?ids=" .. (id or M.own_id))[1] end

  --- Returns the states in the order in which they are seen, read every half second.
  function here.watch(look, seconds)
    local seen = {}
    for _ = 0, seconds * 2 do
      local state = look()
      if seen[#seen] ~= state then seen[#seen + 1] = state end
      model:advance(0.5)
    end
    return seen
  end

  return here
end

return M
