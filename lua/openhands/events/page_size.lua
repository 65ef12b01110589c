--- Chooses how many events are requested at once: fewer if a page of events is too large to be read.

local M = {}

local GOOD_PAGES = 8 -- in a row, before a larger one is tried

---@param memory { page_size: integer?, good_pages: integer? }
---@param wanted_size integer largest page that is wanted
local function note_good_page(memory, wanted_size)
  memory.good_pages = (memory.good_pages or 0) + 1
  if memory.good_pages >= GOOD_PAGES then
    local larger = math.floor(2 * (memory.page_size or wanted_size))
    memory.page_size, memory.good_pages = larger < wanted_size and larger or nil, 0
  end
end

--- Requests a page of events. While the page is too large to be read, requests half as many events. The size that
--- could be read is remembered for the next pages.
---@param fields table fields of the request; `limit` is the largest page that is wanted
---@param memory { page_size: integer?, good_pages: integer? } of the conversation, or of the collection
---@param request fun(...): table?, openhands.Error? sends a request with these fields
---@param ... any arguments of `request`
---@return table? page
---@return openhands.Error? err
function M.read(fields, memory, request, ...)
  local wanted_size = fields.limit
  fields.limit = math.min(wanted_size, memory.page_size or wanted_size)
  local page, err = request(...)
  while err and err.kind == "too_large" and fields.limit > 1 do
    fields.limit = math.ceil(fields.limit / 2)
    memory.page_size, memory.good_pages = fields.limit, 0
    page, err = request(...)
  end
  if page and memory.page_size then
    note_good_page(memory, wanted_size)
  end
  fields.limit = wanted_size
  return page, err
end

return M
