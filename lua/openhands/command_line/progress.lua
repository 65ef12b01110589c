--- Shows how conversations go on while the command waits for them: a live line for one, a board for several, and a line
--- for each new state where stderr is no terminal.

local core = require "openhands.core"
local displays = require "openhands.display.progress"
local interruption = require "openhands.command_line.interruption"

local M = {}

local DRAWING = 0.25 -- seconds between two looks at whether to draw
local READING = 5 -- seconds between two requests for what is not part of a wait: costs, and the latest event
local FIRST_READING = 2
local MOST_IDS = 99 -- conversations whose costs are asked for at once

-- Returns the latest event of a conversation.
local function latest_event(client, conversation)
  local fields = conversation.api == "v0" and { reverse = true, limit = 1 }
    or { sort_order = "TIMESTAMP_DESC", limit = 1 }
  return (client:events(conversation, fields, { retries = 0 }):next())
end

---@class openhands.CommandProgress
---@field is_live boolean whether lines are drawn anew
---@field seen table<any, openhands.Conversation>
---@field events table<any, any> the latest event, by key
---@field display openhands.Progress
local Progress = {}
Progress.__index = Progress

local function plain(id)
  return core.lower((id:gsub("-", "")))
end

-- Returns the key of a conversation, which the user may have spelt in another way.
local function key_of(self, conversation)
  local id = conversation.conversation_id
  if not self.by_id[id] then
    for _, key in ipairs(self.keys) do
      if plain(key) == plain(id) then
        self.by_id[id] = key
      end
    end
  end
  return self.by_id[id] or id
end

-- Takes a conversation as it was just seen; at the end for the last time.
function Progress:see(conversation, is_last)
  local key = key_of(self, conversation)
  self.seen[key], conversation.last_event = conversation, self.events[key]
  self.display:see(key, conversation, is_last)
end

-- Takes what a wait has returned: a conversation, a list of them, or an error that has them.
function Progress:see_last(value, err)
  local list = value or err and (err.conversations or err.conversation) or {}
  for _, conversation in ipairs(list.conversation_id and { list } or list) do
    if conversation then -- false: never seen
      self:see(conversation, true)
    end
  end
end

-- Asks for the costs, and for the latest event of one conversation after the other.
local function read_more(self, client)
  local ids = {}
  for _, key in ipairs(self.keys) do
    local conversation = self.seen[key]
    if conversation and conversation.state == "running" and #ids < MOST_IDS then
      ids[#ids + 1] = key
    end
  end
  local found = #ids > 0 and client:get(ids, { retries = 0 })
  for _, key in ipairs(found and ids or {}) do
    local conversation = found[key]
    if conversation and conversation.state == self.seen[key].state then -- the wait tells new states
      self:see(conversation)
    end
  end
  self.turn = self.turn % math.max(#ids, 1) + 1
  local key = ids[self.turn]
  local event = key and latest_event(client, self.seen[key])
  if event then
    self.events[key] = event
    self:see(self.seen[key])
  end
end

local function draw_on(self, client)
  while not self.has_ended do
    self.display:tick(core.monotonic())
    client:sleep(DRAWING)
  end
end

local function read_on(self, client)
  local pause = FIRST_READING
  while not self.has_ended do
    client:sleep(pause)
    pause = READING
    if not self.has_ended then
      read_more(self, client)
    end
  end
end

--- Calls a function that waits, and shows progress meanwhile.
---@param session openhands.CommandSession
---@param subjects (string|openhands.Conversation)[]
---@param wait fun(on_change: fun(now: openhands.Conversation)): any, any
---@return any value
---@return any err
---@return boolean is_live whether the conversations stand on the terminal
function M.during(session, subjects, wait)
  if session.output.is_quiet then
    local value, err = wait(function() end)
    return value, err, false
  end
  local terminal, client = session:stderr(), session:client()
  local self = setmetatable({
    display = displays.new(core.monotonic, { terminal = terminal, write = function(text)
      session.output:write_error(text)
    end }),
    keys = {}, by_id = {}, seen = {}, events = {}, turn = 0, is_live = terminal.can_redraw,
  }, Progress)
  for place, subject in ipairs(subjects) do
    local conversation = type(subject) == "table" and subject or nil
    local key = conversation and conversation.conversation_id or subject
    self.keys[place], self.seen[key] = key, conversation
    self.display:add(key, conversation or { conversation_id = key })
  end
  local others = self.is_live and { function() draw_on(self, client) end, function() read_on(self, client) end } or {}
  local value, err = interruption.beside(client, function()
    return wait(function(now)
      self:see(now)
    end)
  end, others, self)
  self:see_last(value, err)
  self.display:finish()
  return value, err, self.is_live
end

return M
