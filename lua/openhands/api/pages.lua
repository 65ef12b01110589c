--- Iterates over a collection that comes in pages. Gives each item once, even if the collection changes between two
--- pages; only an item that comes again after more than five hundred others may be given twice.
---
--- `for item in pages do … end` raises the error object, as `io.lines` does; `pages:next()` and `pages:page()` return
--- `nil, err`, and may be called again after an error. On Lua 5.1 a task can wait in these two and in `pages:all()`,
--- but not within `for`.

local errors = require "openhands.errors"

local M = {}

local REMEMBERED = 500 -- items per generation, of which two are kept; pages shift by less between two requests
local MOST_RETURNS_TO_KNOWN_PAGES = 3 -- to known pages without new items, before it is an error
local MOST_PAGES_WITHOUT_NEWS = 100000 -- pages in a row without new items
local MOST_PAGES = 1000 -- that one call of `all` reads

--- A collection in pages; iterate over it, or call `next` or `page`.
---@class openhands.Pages
---@overload fun(): any
---@field next fun(self: openhands.Pages): any, openhands.Error? the next item; nil at the end
---@field all fun(self: openhands.Pages): any[]?, openhands.Error? the remaining items in one list
---@field private _source openhands.PageSource
---@field private _page_id string? of the page to ask for next
---@field private _last_page_id string? of the page that came last
---@field private _ended boolean?
---@field private _items any[] items of the current page
---@field private _position integer index of the item that was given last
---@field private _memories table<any, boolean> items that have been seen
---@field private _older_memories table<any, boolean> the same, of the previous generation
---@field private _memory_count integer
---@field private _run { pages: integer, ends_at: number }|false|nil progress of `all`
local methods = {}

local Pages = { __index = methods, __name = "openhands.Pages" }

-- Begins to count pages without new items.
local function begin_barren_run(self)
  self._known_in_a_row, self._returns, self._cursors, self._cursor_count = 0, 0, {}, 0
end

--- The source of a collection.
---@class openhands.PageSource
---@field name string of the call
---@field fetch fun(page_id: string?): table?, openhands.Error? one page as `{ items = list, next_page_id = string? }`
---@field id? fun(item: any): any returns a key for an item without a field `id`; nil: its place in the page is the key
---@field now? fun(): number monotonic, seconds
---@field longest? number seconds that `all` may take; nil: the collection comes to an end by itself
---@field convert? fun(item: any): any returns the value for the caller; nil to leave the item out

--- Makes a collection from its source.
---@param source openhands.PageSource
---@return openhands.Pages
function M.new(source)
  local self = setmetatable({
    _source = source,
    _page_id = nil, -- of the page to ask for next
    _items = {},
    _position = 0,
    _memories = {},
    _older_memories = {},
    _memory_count = 0,
  }, Pages)
  begin_barren_run(self)
  return self
end

-- Returns the items of a page that have not been seen, and remembers them.
local function sift(self, page)
  local identify, fresh = self._source.id, {}
  for place, item in ipairs(page.items) do
    local id = type(item) == "table" and item.id
    if type(id) ~= "string" and type(id) ~= "number" then
      id = identify and identify(item) or (self._page_id or "") .. "\n" .. place
    end
    if not (self._memories[id] or self._older_memories[id]) then
      if self._memory_count >= REMEMBERED then
        self._older_memories, self._memories, self._memory_count = self._memories, {}, 0
      end
      self._memories[id], self._memory_count = true, self._memory_count + 1
      fresh[#fresh + 1] = item
    end
  end
  return fresh
end

-- Stores the id of the next page. Returns an error if the service goes in circles. A few known items in a row may come
-- from pages that have shifted, but more known items in a row than are remembered must contain repetitions.
local function advance(self, page, fresh)
  local cursor = page.next_page_id
  if #fresh > 0 then
    begin_barren_run(self)
  else
    self._known_in_a_row = self._known_in_a_row + #page.items
  end
  if cursor ~= nil then
    local known = self._cursors[cursor]
    self._returns = self._returns + (known and 1 or 0)
    self._cursor_count = self._cursor_count + (known and 0 or 1)
    self._cursors[cursor] = true
    if
      self._known_in_a_row > 2 * REMEMBERED
      or self._returns > MOST_RETURNS_TO_KNOWN_PAGES
      or self._cursor_count > MOST_PAGES_WITHOUT_NEWS
    then
      return errors.protocol(self._source.name, "the pages go in circles")
    end
  end
  self._last_page_id = self._page_id
  self._page_id, self._ended = cursor, cursor == nil
end

local function too_many(self, kind, what)
  return errors.new {
    kind = kind,
    operation = self._source.name,
    retryable = true,
    message = ("%s: %s; read it page by page, or call `all` again to read more"):format(self._source.name, what),
  }
end

-- Counts a page of `all`. Returns an error if a limit of `all` is reached.
local function excess(self)
  local run, source = self._run, self._source
  if not run then
    return nil
  end
  run.pages = run.pages + 1
  if run.pages > MOST_PAGES then
    return too_many(self, "too_large", ("there are more than %d pages"):format(MOST_PAGES))
  elseif run.pages > 1 and source.now() >= run.ends_at then
    return too_many(self, "timeout", ("not all was read in %g s"):format(source.longest))
  end
end

-- Requests one page. Returns its new items, not yet converted.
local function fetch(self)
  local problem = excess(self)
  if problem then
    return nil, problem
  end
  local page, err = self._source.fetch(self._page_id)
  if not page then
    return nil, err
  elseif type(page.items) ~= "table" then
    return nil, errors.protocol(self._source.name, "the answer has no list of items")
  elseif page.next_page_id ~= nil and type(page.next_page_id) ~= "string" then
    return nil, errors.protocol(self._source.name, "the answer has no usable 'next_page_id'")
  end
  local fresh = sift(self, page)
  err = advance(self, page, fresh)
  if err then
    return nil, err
  end
  return fresh
end

local function convert(self, items)
  local change, converted = self._source.convert, {}
  if not change then
    return items
  end
  for _, item in ipairs(items) do
    converted[#converted + 1] = change(item)
  end
  return converted
end

--- Raises if a method of a collection, or of an object with the same methods, was called with a dot.
---@param self any
---@param name string
function M.check_receiver(self, name)
  if type(self) ~= "table" or rawget(self, "_position") == nil then
    errors.check_receiver(false, name, "pages")
  end
end

--- Returns the items of the next page that has any. Do not use both `page` and `next` on one collection.
---@return any[]? items nil at the end
---@return openhands.Error? err
function methods:page()
  M.check_receiver(self, "page")
  while not self._ended do
    local items, err = fetch(self)
    if not items then
      return nil, err
    end
    items = convert(self, items)
    if #items > 0 then
      return items
    end
  end
  return nil
end

--- Returns the next item of an object that has a method `page`.
---@param self any the object
---@return any item nil at the end
---@return openhands.Error? err
function M.next_of_page(self)
  M.check_receiver(self, "next")
  if self._position >= #self._items then
    local items, err = self:page()
    if not items then
      return nil, err
    end
    self._items, self._position = items, 0
  end
  self._position = self._position + 1
  local item = self._items[self._position]
  self._items[self._position] = false -- so that the page does not keep it alive
  return item
end

--- Returns the remaining items of an object that has a method `next`, in one list. Reads up to a thousand pages within
--- the time of a call. After an error, the next call first returns the items that were read before the error.
---@param self any the object
---@return any[]? items
---@return openhands.Error? err kind "too_large" or "timeout": there is more
function M.all_of_next(self)
  M.check_receiver(self, "all")
  local list, source = {}, self._source
  self._run = source and source.longest and { pages = 0, ends_at = source.now() + source.longest }
  while true do
    local item, err = self:next()
    if item == nil then
      self._run = nil
    end
    if err then
      self._items, self._position = list, 0
      return nil, err
    elseif item == nil then
      return list
    end
    list[#list + 1] = item
  end
end

--- Makes the next call request the last page again, to which items may have been added. Gives no item twice.
function methods:_look_again()
  if self._ended then
    self._page_id, self._ended = self._last_page_id, false
    begin_barren_run(self)
  end
end

--- Makes one step of a `for` loop over an object that has a method `next`.
---@param self any the object
---@return any item nil at the end; raises the error object
function M.call_next(self)
  local item, err = self:next()
  if err then
    error(err, 0)
  end
  return item
end

function Pages:__tostring()
  local is_new = not self._ended and self._memory_count == 0
  local progress = self._ended and "all pages were read" or is_new and "nothing was read yet" or "there is more to read"
  return ("openhands.Pages (%s: %s)"):format(self._source.name, progress)
end

methods.next, methods.all, Pages.__call = M.next_of_page, M.all_of_next, M.call_next

return M
