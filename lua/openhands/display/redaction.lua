--- Makes one safe line of a text that came from outside: without control and invisible characters, well-formed, short,
--- and with secrets redacted.

local core = require "openhands.core"
local texts = require "openhands.display.text"

local M = {}

local LONGEST_READ = 16384 -- bytes; of a longer text, `redact` leaves that many

-- Metatables of what clients return. Their redactors know the client's own keys.
local is_ours = { ["openhands.Event"] = true, ["openhands.Conversation"] = true }

local function redactor_of(owner)
  local class = type(owner) == "table" and getmetatable(owner)
  if type(class) == "table" and is_ours[rawget(class, "__name") or ""] then
    local own = rawget(class, "redactor")
    return type(own) == "table" and own or core
  end
  return core
end

--- Returns a text as one safe line.
---@param text string
---@param most integer bytes, at least 32
---@param owner any the conversation or the event that the text belongs to
---@return string line may be empty
function M.line(text, most, owner)
  local redactor = redactor_of(owner)
  if #text > LONGEST_READ then
    text = redactor.redact(text)
  end
  local line = texts.line(text)
  return line == "" and line or redactor.redact_line(line, most)
end

--- Returns a text as safe lines.
---@param text string
---@param most integer bytes
---@param owner any the conversation or the event that the text belongs to
---@return string lines may be empty
function M.lines(text, most, owner)
  local lines = texts.lines(redactor_of(owner).redact(text))
  local cut, is_cut = texts.cut_bytes(texts.well_formed(redactor_of(owner).redact(lines)), most)
  return is_cut and cut .. "…" or cut
end

return M
