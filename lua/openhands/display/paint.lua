--- Writes lines for a terminal: groups as colours, addresses as links.

local M = {}

local END = "\27[0m"

-- Parameters of the sequence that sets a group's colour. Only the eight colours that every terminal has, and that its
-- user can choose.
local colours = {
  heading = "2", total = "1", name = "1", time = "2", cost = "2", pull_request = "36", link = "2",
  state_failed = "1;31", state_waiting = "1;33", state_paused = "33", state_stopped = "33", state_gone = "2",
  state_unknown = "35", state_starting = "36", state_running = "34", state_finished = "32",
}

local function painted(text, span, terminal)
  local colour = terminal.colour and colours[span[3]]
  if colour then
    text = ("\27[%sm%s%s"):format(colour, text, END)
  end
  if terminal.links and span.url then
    text = ("\27]8;;%s\27\\%s\27]8;;\27\\"):format(span.url, text)
  end
  return text
end

--- Returns the text of a line with sequences for its colours and links, as far as the terminal takes them.
---@param line openhands.DisplayLine
---@param terminal { colour: boolean?, links: boolean? }
---@return string
function M.ansi(line, terminal)
  if not terminal.colour and not terminal.links then
    return line.text
  end
  local pieces, place = {}, 1
  for _, span in ipairs(line.spans) do
    pieces[#pieces + 1] = line.text:sub(place, span[1] - 1)
    pieces[#pieces + 1] = painted(line.text:sub(span[1], span[2]), span, terminal)
    place = span[2] + 1
  end
  pieces[#pieces + 1] = line.text:sub(place)
  return table.concat(pieces)
end

return M
