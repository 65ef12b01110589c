--- Builds responses in the forms that the service uses: JSON, errors, text, lists by id, streams.
local json = require "openhands.simulator.encoding.json"

local M = {}

--- A response has either `body` or `stream`.
---@class openhands.simulator.Response
---@field status integer
---@field headers { [1]: string, [2]: string }[]
---@field body? string
---@field stream? openhands.simulator.Stream
---@field length? integer bytes to announce as Content-Length: of the stream (default: none are announced), or of the
--- body that a response to HEAD lacks

--- The page of the web application.
M.page = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>OpenHands</title></head>'
  .. '<body><div id="root"></div></body></html>'

--- Returns a response of any content type.
---@param status integer
---@param content_type string
---@param body? string
---@param headers? { [1]: string, [2]: string }[]
---@return openhands.simulator.Response
function M.raw(status, content_type, body, headers)
  local list = { { "Content-Type", content_type } }
  for _, header in ipairs(headers or {}) do
    list[#list + 1] = header
  end
  return { status = status, headers = list, body = body }
end

--- Returns a response with a JSON body.
---@param status integer
---@param value any
---@param headers? { [1]: string, [2]: string }[]
---@return openhands.simulator.Response
function M.json(status, value, headers)
  return M.raw(status, "application/json", json.encode(value), headers)
end

--- Returns an error in the form of FastAPI.
---@param status integer
---@param detail any text, object or list
---@param headers? { [1]: string, [2]: string }[]
---@return openhands.simulator.Response
function M.detail(status, detail, headers)
  return M.json(status, { detail = detail }, headers)
end

--- Returns the 422 of a request that fails validation.
---@param errors table[] each `{ type, loc, msg, input, ctx? }`
---@return openhands.simulator.Response
function M.invalid(errors)
  return M.detail(422, json.array(errors))
end

--- Returns the 422 of a request without a required field.
---@param place "body"|"query"
---@param name string
---@param input? any the value that lacks the field
---@return openhands.simulator.Response
function M.missing(place, name, input)
  return M.invalid { {
    type = "missing", loc = json.array { place, name }, msg = "Field required", input = json.or_null(input),
  } }
end

--- Returns the 405 of a path that exists with other methods.
---@param methods string[]
---@return openhands.simulator.Response
function M.method_not_allowed(methods)
  return M.detail(405, "Method Not Allowed", { { "Allow", table.concat(methods, ", ") } })
end

--- Returns the 500 of an unhandled exception.
---@return openhands.simulator.Response
function M.crash()
  return M.raw(500, "text/plain; charset=utf-8", "Internal Server Error")
end

--- Returns the page of the web application, the response to unknown GET paths with the option `spa`.
---@return openhands.simulator.Response
function M.web_page()
  return M.raw(200, "text/html; charset=utf-8", M.page)
end

--- Returns a list with one entry per requested id: null where `view` returns nothing.
---@param ids string[]
---@param view fun(id: string): table|false|nil
---@return openhands.simulator.Response
function M.batch(ids, view)
  local entries = json.array()
  for position, id in ipairs(ids) do
    entries[position] = view(id) or json.null
  end
  return M.json(200, entries)
end

--- Returns a streamed response.
---@param status integer
---@param content_type string
---@param stream openhands.simulator.Stream
---@param length? integer bytes of the stream, to announce as Content-Length
---@param headers? { [1]: string, [2]: string }[]
---@return openhands.simulator.Response
function M.stream(status, content_type, stream, length, headers)
  local response = M.raw(status, content_type, nil, headers)
  response.stream, response.length = stream, length
  return response
end

--- Returns a streamed zip archive for download.
---@param filename string
---@param stream openhands.simulator.Stream
---@param length? integer
---@return openhands.simulator.Response
function M.archive(filename, stream, length)
  return M.stream(200, "application/zip", stream, length, {
    { "Content-Disposition", ('attachment; filename="%s"'):format(filename) },
  })
end

return M
