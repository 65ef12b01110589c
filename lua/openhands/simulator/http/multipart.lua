--- Parses multipart/form-data bodies, the form of file uploads.
local ascii = require "openhands.simulator.encoding.ascii"

local M = {}

local function parameter(header, name)
  local text = (header or ""):gsub("\r\n[ \t]+", " ")
  return text:match("[; \t]" .. name .. '="([^"]*)"') or text:match("[; \t]" .. name .. "=([^; \t]+)")
end

local function read_part(text)
  local head, body = text:match("^\r\n(.-\r\n)\r\n(.*)$")
  if not head then
    return nil
  end
  local headers = {}
  for name, value in head:gmatch("([^:\r\n]+):[ \t]*([^\r\n]*)\r\n") do
    headers[ascii.lower(name)] = value
  end
  local disposition = headers["content-disposition"]
  local name = parameter(disposition, "name")
  return name and {
    name = name, filename = parameter(disposition, "filename"), content_type = headers["content-type"], body = body,
  }
end

---@class openhands.simulator.Part
---@field name string of the field
---@field filename? string
---@field content_type? string
---@field body string

--- Returns the parts of a body, in order.
---@param call { body: string, headers: table<string, string> }
---@return openhands.simulator.Part[]? parts nil if the body is not well-formed multipart/form-data
function M.parts(call)
  local declared = call.headers["content-type"] or ""
  local boundary = ascii.lower(declared):match("^multipart/form%-data") and parameter(declared, "boundary")
  if not boundary then
    return nil
  end
  local parts, text, mark = {}, "\r\n" .. call.body, "\r\n--" .. boundary
  local _, position = text:find(mark, 1, true)
  while position do
    if text:sub(position + 1, position + 2) == "--" then
      return parts
    end
    local start, stop = text:find(mark, position + 1, true)
    if not start then
      return nil
    end
    parts[#parts + 1] = read_part(text:sub(position + 1, start - 1))
    position = stop
  end
  return nil
end

--- Returns the parts with a given field name.
---@param call { body: string, headers: table<string, string> }
---@param name string
---@return openhands.simulator.Part[]
function M.named(call, name)
  local found = {}
  for _, part in ipairs(M.parts(call) or {}) do
    if part.name == name then
      found[#found + 1] = part
    end
  end
  return found
end

return M
