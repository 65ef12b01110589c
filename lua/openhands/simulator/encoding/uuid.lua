--- The two spellings of a UUID: 32 hexadecimal digits in most responses, with dashes in some. Requests may use both.
local ascii = require "openhands.simulator.encoding.ascii"

local M = {}

local dashed = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

--- Returns a UUID in either spelling as 32 lower-case hexadecimal digits.
---@param text any
---@return string? id nil if the text is not a UUID
function M.parse(text)
  if type(text) ~= "string" then
    return nil
  end
  if not (#text == 32 and text:match("^%x+$")) and not text:match(dashed) then
    return nil
  end
  return ascii.lower((text:gsub("-", "")))
end

--- Returns the dashed spelling of an id.
---@param id string 32 hexadecimal digits
---@return string
function M.dashed(id)
  return (id:gsub("^(........)(....)(....)(....)(............)$", "%1-%2-%3-%4-%5"))
end

return M
