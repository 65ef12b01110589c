--- The answers of the service, by form. Each is `{ status, headers = { { name, value }, ... }, body }`.
local json = require "openhands.simulator.json"

local M = {}

M.page = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>OpenHands</title></head>'
  .. '<body><div id="root"></div></body></html>'

local function answer(status, content_type, body, headers)
  local list = { { "Content-Type", content_type } }
  for _, header in ipairs(headers or {}) do list[#list + 1] = header end
  return { status = status, headers = list, body = body }
end

--- An answer with a JSON body.
---@param status integer
---@param value any
---@param headers? { [1]: string, [2]: string }[]
function M.json(status, value, headers)
  return answer(status, "application/json", json.encode(value), headers)
end

--- An error as FastAPI words it.
---@param status integer
---@param detail any text, object or list
---@param headers? { [1]: string, [2]: string }[]
function M.detail(status, detail, headers)
  return M.json(status, { detail = detail }, headers)
end

--- What an unhandled exception of the service looks like.
function M.crash()
  return answer(500, "text/plain; charset=utf-8", "Internal Server Error")
end

--- The web page that the service gives for every path it does not know.
function M.web_page()
  return answer(200, "text/html; charset=utf-8", M.page)
end

--- An answer of any type.
---@param status integer
---@param content_type string
---@param body string
---@param headers? { [1]: string, [2]: string }[]
function M.raw(status, content_type, body, headers)
  return answer(status, content_type, body, headers)
end

return M
