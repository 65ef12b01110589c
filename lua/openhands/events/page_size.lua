--- How many events are asked for at once: fewer where they are so large that a page of them cannot be read here.

local M = {}

local GOOD_PAGES = 8 -- in a row, before a larger one is tried

---@param memory { page_size: integer?, good_pages: integer? }
---@param most integer that is wanted
local function note_good(memory, most)
  memory.good_pages = (memory.good_pages or 0) + 1
  if memory.good_pages >= GOOD_PAGES then
    local larger = math.floor(2 * (memory.page_size or most))
    memory.page_size, memory.good_pages = larger < most and larger or nil, 0
  end
end

--- Asks for a page of events; again and again for half as many while they are too large. What could be read is kept in
--- mind for the conversation's next pages.
---@param fields table of the page; `limit` is the most that are asked for
---@param memory { page_size: integer?, good_pages: integer? } of the conversation, or of the collection
---@param ask fun(): table?, openhands.Error? asks by these fields
---@return table? page, openhands.Error? err
function M.ask(fields, memory, ask)
  local most = fields.limit
  fields.limit = math.min(most, memory.page_size or most)
  local page, err = ask()
  while err and err.kind == "too_large" and fields.limit > 1 do
    fields.limit = math.ceil(fields.limit / 2)
    memory.page_size, memory.good_pages = fields.limit, 0
    page, err = ask()
  end
  if page and memory.page_size then
    note_good(memory, most)
  end
  fields.limit = most
  return page, err
end

return M
