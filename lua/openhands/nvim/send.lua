--- Sends a message to a conversation; the agent then works again.

local configuration = require "openhands.nvim.configuration"
local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"

local M = {}

local INTERVAL, MOST_TRIES = 2, 60 -- seconds between two looks whether a runtime is up; looks

-- Starts the runtime of a V0 conversation again, which has stopped, and waits until it is up.
local function wake(client, id)
  local conversation, err = client:start_again(id)
  local tries = 0
  while conversation and conversation.status ~= "RUNNING" and tries < MOST_TRIES do
    tries = tries + 1
    client:sleep(configuration.get().interval or INTERVAL)
    conversation, err = client:status(id)
  end
  return conversation, err
end

-- A paused conversation is resumed by its message, one that has stopped is started again; one that is starting gets it
-- when it is ready.
local function deliver(client, conversation, message)
  local id = conversation.conversation_id
  local is_asleep = conversation.state == "paused" or conversation.status == "STOPPED"
  if is_asleep and conversation.api == "v1" then
    return client:resume(id, { send = message })
  elseif conversation.state == "starting" and conversation.api == "v1" then
    local queued, err = client:queue_message(id, message)
    if queued or err.kind ~= "conflict" then
      return queued, err
    end
  end
  local sent, err = client:send(id, message)
  if not sent and err.kind == "conflict" and conversation.api == "v0" then
    local awake
    awake, err = wake(client, id)
    if awake then
      return client:send(id, message)
    end
  end
  return sent, err
end

local function send(id, message)
  service.run(function(client)
    local conversation, err = client:status(id)
    if not conversation then
      return nil, err
    end
    local sent
    sent, err = deliver(client, conversation, message)
    if not sent then
      return nil, err
    end
    return client:status(id)
  end, function(err, conversation)
    if err then
      return notice.fail(err)
    end
    notice.info(("%s has your message"):format(texts.name(conversation)))
    conversations.watch(conversation)
  end)
end

--- Sends a message; asks for it if there is none.
---@param id string
---@param message string
function M.send(id, message)
  if message ~= "" then
    return send(id, message)
  end
  vim.ui.input({ prompt = "Message to the agent: " }, function(typed)
    if typed and typed ~= "" then
      send(id, typed)
    end
  end)
end

return M
