--- The starts that are under way, and those whose outcome is unknown. Each is kept in a file until it has ended,
--- because Neovim may be left before: the next one tells of it, and can take it up by its id instead of starting twice.

local conversations = require "openhands.nvim.conversations"
local log = require "openhands.nvim.log"
local notice = require "openhands.nvim.notice"
local texts = require "openhands.nvim.text"

local M = {}

local LONGEST_KEPT = 7 * 24 * 3600 -- seconds; later nobody wants to take a start up
local LONGEST_TASK = 60 -- bytes of it in a message
local PRIVATE_FILE, PRIVATE_DIRECTORY = 384, 448 -- 0600 and 0700: a task is nobody else's business

local uv = vim.uv or vim.loop

---@class openhands.nvim.PendingStart
---@field id string? once it is chosen: until then nothing was sent
---@field task string
---@field fields table of the start
---@field state "starting"|"unknown" unknown: nobody knows whether the service has it
---@field pid integer of the Neovim that sends it

---@type openhands.nvim.PendingStart[]
local list = {}
local has_told, watches_end

-- Returns the directory of the files: Neovim 0.7 knows no place for state.
local function directory()
  local good, state = pcall(vim.fn.stdpath, "state")
  return (good and state or vim.fn.stdpath "data") .. "/openhands/starts"
end

local function path_of(id)
  return directory() .. "/" .. id .. ".json"
end

local function write(entry)
  vim.fn.mkdir(directory(), "p", PRIVATE_DIRECTORY)
  local file, problem = uv.fs_open(path_of(entry.id), "w", PRIVATE_FILE)
  if not file then
    return log.add("this start is not kept for the next Neovim: " .. tostring(problem))
  end
  uv.fs_write(file, vim.json.encode { id = entry.id, task = entry.task, fields = entry.fields, pid = entry.pid }, 0)
  uv.fs_close(file)
end

-- Returns the start that a file keeps; nil if it keeps none that could be taken up.
local function read(name)
  local path = directory() .. "/" .. name
  local file, facts = io.open(path), uv.fs_stat(path)
  if not file or not facts then
    return
  end
  local good, entry = pcall(vim.json.decode, file:read "*a")
  file:close()
  local is_usable = good and type(entry) == "table" and type(entry.id) == "string" and type(entry.task) == "string"
    and type(entry.fields) == "table" and entry.id .. ".json" == name
  if not is_usable or os.time() - facts.mtime.sec > LONGEST_KEPT then
    os.remove(path)
    return
  end
  return entry --[[@as openhands.nvim.PendingStart]]
end

-- Tells, while Neovim ends, what is under way. V0 of the service knows no id before its answer.
local function tell_at_end()
  for _, entry in ipairs(list) do
    if entry.pid == uv.os_getpid() then
      local which = entry.id and entry.id .. " (the next :OpenHands tells how to take it up)"
        or texts.line(entry.task):sub(1, LONGEST_TASK) .. " (see :OpenHands list before you start it again)"
      vim.notify("OpenHands: Neovim ends while a start is under way: " .. which, vim.log.levels.WARN,
        { title = "OpenHands" })
    end
  end
end

local function position(entry)
  for place, each in ipairs(list) do
    if each == entry then
      return place
    end
  end
end

--- Adds a start that is about to be sent.
---@param task string
---@param fields table
---@return openhands.nvim.PendingStart
function M.add(task, fields)
  local entry = { task = task, fields = fields, state = "starting", pid = uv.os_getpid() }
  list[#list + 1] = entry
  if not watches_end then
    watches_end = true
    vim.api.nvim_create_autocmd("VimLeavePre", { callback = tell_at_end })
  end
  conversations.changed:note()
  return entry
end

--- Keeps the id of a start, before it is sent.
---@param entry openhands.nvim.PendingStart
---@param id string
function M.name(entry, id)
  entry.id = id
  log.add("the start that is sent now has the id " .. id)
  write(entry)
  conversations.changed:note()
end

--- Notes how a start has ended. It is kept only if its outcome is unknown.
---@param entry openhands.nvim.PendingStart
---@param err any
function M.finish(entry, err)
  if entry.id and type(err) == "table" and err.kind == "ambiguous" then
    entry.state = "unknown"
  else
    local place = position(entry)
    if place then
      table.remove(list, place)
    end
    if entry.id then
      os.remove(path_of(entry.id))
    end
  end
  conversations.changed:note()
end

-- Forgets those whose outcome was unknown once the service shows their conversations, and waits for these.
local function find_arrived()
  for place = #list, 1, -1 do
    local entry = list[place]
    local id = entry.id
    local known = entry.state == "unknown" and id and conversations.get(id)
    if known then
      M.finish(entry)
      conversations.watch(known.conversation, (texts.line(entry.task)))
      notice.info(("the start %s has arrived: %s"):format(entry.id, texts.line(entry.task):sub(1, LONGEST_TASK)))
    end
  end
end

conversations.changed:subscribe(M, find_arrived)

--- Returns the start with an id, to be taken up again.
---@param id string
---@return openhands.nvim.PendingStart?
function M.get(id)
  for _, entry in ipairs(list) do
    if entry.id == id then
      return entry
    end
  end
end

--- Takes up again a start whose outcome is unknown.
---@param entry openhands.nvim.PendingStart
function M.resume(entry)
  entry.state, entry.pid = "starting", uv.os_getpid()
  write(entry)
  conversations.changed:note()
end

--- Returns the starts as conversations, for the board: without those that are known as conversations.
---@return table[]
function M.rows()
  local rows = {}
  for _, entry in ipairs(list) do
    if not entry.id or not conversations.get(entry.id) then
      rows[#rows + 1] = {
        conversation_id = entry.id,
        title = texts.line(entry.task),
        state = entry.state,
        settled = false,
        pull_requests = {},
        last_event = entry.state == "unknown" and ":OpenHands start id=" .. entry.id or nil,
      }
    end
  end
  return rows
end

--- Tells of the starts that were under way when another Neovim was left. Does so once.
function M.tell_left()
  if has_told then
    return
  end
  has_told = true
  for _, path in ipairs(vim.fn.glob(directory():gsub("[%[%]*?{},]", "\\%0") .. "/*.json", true, true)) do
    local entry = read(vim.fn.fnamemodify(path, ":t"))
    local is_left = entry and (type(entry.pid) ~= "number" or uv.kill(entry.pid, 0) ~= 0)
    if entry and is_left then
      entry.state = "unknown"
      list[#list + 1] = entry
      notice.warn(("a start was under way when Neovim was left: %s (%s); :OpenHands start id=%s takes it up")
        :format(entry.id, texts.line(entry.task):sub(1, LONGEST_TASK), entry.id))
    end
  end
  conversations.changed:note()
end

return M
