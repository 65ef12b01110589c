-- What nginx answers where its configuration alone cannot: lists of ids, and answers that take time.
local M = {}

local here = debug.getinfo(1, "S").source:match "^@(.*)/"

local function read(name)
  local file = assert(io.open(here .. "/answers/" .. name))
  local text = file:read "*a"
  file:close()
  return (text:gsub("\n$", ""))
end

local v0, v1, task = read "v0.json", read "v1.json", read "start.json"

local function with(answer, id)
  return (answer:gsub("%$1", id))
end

-- Answers GET with the conversations of the ids, and POST with the start task of the conversation.
function M.conversations()
  if ngx.req.get_method() == "POST" then
    ngx.req.read_body()
    ngx.print(with(task, ngx.req.get_body_data():match '"conversation_id":%s*"([0-9a-f-]+)"'))
    return
  end
  ngx.shared.requests:incr("count", 1, 0)
  local ids, list = ngx.req.get_uri_args(0).ids, {}
  for place, id in ipairs(type(ids) == "table" and ids or { ids }) do
    list[place] = with(v1, id)
  end
  ngx.print("[", table.concat(list, ","), "]")
end

-- Answers with the number of requests for conversations since the last such question.
function M.requests()
  ngx.print(ngx.shared.requests:get "count" or 0)
  ngx.shared.requests:set("count", 0)
end

function M.think()
  ngx.sleep(0.05 + 0.1 * math.random())
  ngx.print(with(v0, ngx.var[1]))
end

return M
