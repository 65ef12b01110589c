--- Ends the work of a conversation, for now: `pause` suspends its sandbox, which then costs nothing; `stop` interrupts
--- the agent, which takes up its work with the next message.

local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"

local M = {}

-- Runs a call about a conversation, and notes what has become of it.
local function run(id, call)
  service.run(function(client)
    local conversation, err = client:status(id)
    if not conversation then
      return nil, err
    end
    local result
    result, err = call(client, conversation)
    if not result then
      return nil, err
    end
    conversation, err = client:status(id)
    if not conversation then
      return nil, err
    end
    -- That it is paused is told even if its work had ended before, which is its state then.
    return conversation, result.state == "paused" and result or conversation
  end, function(err, conversation, told)
    if err then
      return notice.fail(err)
    end
    local entry = conversations.note(conversation)
    if not entry.wait then -- its wait tells it otherwise
      notice.info(texts.outcome(told))
    end
  end)
end

--- Pauses the sandbox of a conversation. V0 has no pause: there, its runtime stops.
---@param id string
function M.pause(id)
  run(id, function(client, conversation)
    if conversation.api == "v0" then
      return client:stop(id)
    end
    return client:pause(id)
  end)
end

--- Interrupts the agent. Its sandbox stays up, and costs; on V0 its runtime stops.
---@param id string
function M.stop(id)
  run(id, function(client, conversation)
    if conversation.api == "v0" then
      return client:stop(id)
    end
    return client:agent(conversation):interrupt()
  end)
end

return M
