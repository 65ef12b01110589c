--- The answers of the service, by form. Each is an `openhands.simulator.Answer`, see model.lua.
local json = require "openhands.simulator.encoding.json"

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

--- A list with one entry per id that was asked for, null where there is nothing to show.
---@param ids string[]
---@param view fun(id: string): any
function M.batch(ids, view)
  local entries = json.array()
  for position, id in ipairs(ids) do entries[position] = view(id) or json.null end
  return M.json(200, entries)
end

--- An answer that comes bit by bit.
---@param status integer
---@param content_type string
---@param source openhands.simulator.Source
---@param length? integer the whole of it, if it is to be announced
---@param headers? { [1]: string, [2]: string }[]
---@return openhands.simulator.Answer
function M.stream(status, content_type, source, length, headers)
  local response = answer(status, content_type, nil, headers)
  response.stream, response.length = source, length
  return response
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
