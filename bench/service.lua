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
local running = v1:gsub('"finished"', '"running"')

local function with(answer, id)
  return (answer:gsub("%$1", id))
end

-- Answers GET with the conversations of the ids, which run if their id begins with an a, and POST with a start task.
function M.conversations()
  if ngx.req.get_method() == "POST" then
    ngx.req.read_body()
    ngx.print(with(task, ngx.req.get_body_data():match '"conversation_id":%s*"([0-9a-f-]+)"'))
    return
  end
  local ids, list = ngx.req.get_uri_args(0).ids, {}
  for place, id in ipairs(type(ids) == "table" and ids or { ids }) do
    list[place] = with(id:sub(1, 1) == "a" and running or v1, id)
  end
  ngx.shared.counts:incr("requests", 1, 0)
  ngx.shared.counts:incr("ids", #list, 0)
  ngx.print("[", table.concat(list, ","), "]")
end

-- Answers with the number of requests for conversations, and of ids in them, since this was asked last.
function M.requests()
  local counts = ngx.shared.counts
  ngx.print(('{"requests":%d,"ids":%d}'):format(counts:get "requests" or 0, counts:get "ids" or 0))
  counts:set("requests", 0)
  counts:set("ids", 0)
end

function M.think()
  ngx.sleep(0.05 + 0.1 * math.random())
  ngx.print(with(v0, ngx.var[1]))
end

return M
