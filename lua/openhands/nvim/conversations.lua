--- What this editor knows of conversations: as they were seen last, and which of them it waits for. The waits share
--- their requests, whatever their number.

local announcement = require "openhands.nvim.announcement"
local configuration = require "openhands.nvim.configuration"
local notice = require "openhands.nvim.notice"
local progress = require "openhands.nvim.progress"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"
local updates = require "openhands.nvim.updates"

local M = {}

local MOST_KNOWN = 500 -- conversations

---@class openhands.nvim.Known
---@field conversation openhands.Conversation as it was seen last
---@field is_ours boolean? it was started, or sent a message, from this editor
---@field is_news boolean? it has settled, and the user has not looked at it since
---@field wait { cancel: fun() }? while it is waited for
---@field task string? what it was started for
---@field last_event string? its line, if it is followed
---@field number integer the later it was seen first, the higher

---@type table<string, openhands.nvim.Known> by their plain ids
local known = {}
local count, latest_number = 0, 0
local latest -- plain id of the one that a command means if it names none

--- A subscription to changes, see updates.lua.
M.changed = updates.new()

-- One conversation may be spelt in two ways.
local function plain(id)
  return (id:gsub("-", ""))
end

-- Forgets the conversation that was seen first, of those that are not waited for.
local function forget_one()
  local oldest
  for key, entry in pairs(known) do
    if not entry.wait and not entry.is_ours and (not oldest or entry.number < known[oldest].number) then
      oldest = key
    end
  end
  if oldest then
    known[oldest], count = nil, count - 1
  end
end

--- Notes a conversation as it was just seen.
---@param conversation openhands.Conversation
---@return openhands.nvim.Known
function M.note(conversation)
  local key = plain(conversation.conversation_id)
  local entry = known[key]
  if not entry then
    latest_number, count = latest_number + 1, count + 1
    entry = { number = latest_number }
    known[key] = entry
  end
  local before = entry.conversation
  if before and before.state == conversation.state then -- a list does not have everything that a wait has found
    conversation.answer = conversation.answer or before.answer
    if #conversation.pull_requests == 0 then
      conversation.pull_requests = before.pull_requests
    end
  end
  if entry.task and not texts.has_title(conversation) then
    conversation.title = entry.task -- until the service has found one
  end
  entry.conversation = conversation
  if count > MOST_KNOWN then
    forget_one()
  end
  M.changed:note()
  return entry
end

--- Notes the latest event of a conversation.
---@param id string
---@param line string
function M.note_event(id, line)
  local entry = known[plain(id)]
  if entry then
    entry.last_event = line
    M.changed:note()
  end
end

--- Returns what is known of a conversation.
---@param id string
---@return openhands.nvim.Known?
function M.get(id)
  return known[plain(id)]
end

--- Returns all that are known, those that were started last first.
---@return openhands.nvim.Known[]
function M.all()
  local list = {}
  for _, entry in pairs(known) do
    list[#list + 1] = entry
  end
  table.sort(list, function(one, other)
    local before, after = one.conversation.created_at or "~", other.conversation.created_at or "~"
    if before ~= after then
      return before > after
    end
    return one.number > other.number
  end)
  return list
end

--- Returns the conversation that is meant if none is named: the one that was started or named last.
---@return openhands.nvim.Known?
function M.latest()
  return latest and known[latest]
end

--- Makes a conversation the one that is meant if none is named.
---@param id string
function M.mention(id)
  latest = plain(id)
end

local function settled(entry, conversation)
  entry.wait, entry.is_news = nil, true
  M.note(conversation)
  announcement.finished(conversation)
  progress.show(conversation)
  local text = texts.outcome(conversation)
  if conversation.state == "finished" then
    notice.info(text)
  else
    notice.warn(text)
  end
end

--- Notes that the user looks at a conversation, or at all of them.
---@param id string?
function M.seen(id)
  for key, entry in pairs(known) do
    if entry.is_news and (not id or key == plain(id)) then
      entry.is_news = nil
      M.changed:note()
    end
  end
end

--- Waits for a conversation, unless it is waited for already. Its end is told to the user.
---@param conversation openhands.Conversation
---@param task string? what it was started for
function M.watch(conversation, task)
  local entry = M.note(conversation)
  entry.is_ours, entry.task = true, task or entry.task
  M.note(conversation)
  if entry.wait then
    return
  end
  progress.show(conversation)
  local id = conversation.conversation_id
  entry.wait = { cancel = function() end }
  local handle = service.run(function(client)
    return client:wait(id, {
      interval = configuration.get().interval,
      on_change = function(now, previous)
        M.note(now)
        announcement.status(now, previous)
        if not now.settled then
          progress.show(now)
        end
      end,
    })
  end, function(err, done)
    if not err then
      return settled(entry, done)
    end
    entry.wait = nil
    M.changed:note()
    notice.fail(err)
  end)
  entry.wait = entry.wait and handle -- it may have failed at once
end

--- Returns how many of those that this editor waits for are in each state; also counts those that have settled, until
--- the user looks at them.
---@return table<string, integer>
function M.counts()
  local counts = {}
  for _, entry in pairs(known) do
    if entry.wait or entry.is_news then
      local state = entry.conversation.state
      counts[state] = (counts[state] or 0) + 1
    end
  end
  return counts
end

return M
