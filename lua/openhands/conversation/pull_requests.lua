--- Finds the pull requests of a conversation: those that the service lists, and links in its events.

local core = require "openhands.core"

local M = {}

local DEEPEST = 1000 -- levels of an event that are searched

local link_patterns = {
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/pull/%d+",
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._/-]+/%-/merge_requests/%d+",
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/pull%-requests/%d+",
}

-- Adds each link in a value to `found` once. Each link is also a key of `found`, so that a repetition is noticed.
local function collect_links(value, repository, found, depth)
  if type(value) == "string" then
    for _, pattern in ipairs(link_patterns) do
      for link in value:gmatch(pattern) do
        local part = repository and "/" .. core.lower(repository) .. "/"
        if not found[link] and (not part or core.lower(link):find(part, 1, true)) then
          found[link] = true
          found[#found + 1] = link
        end
      end
    end
  elseif type(value) == "table" and depth < DEEPEST then
    for _, item in pairs(value) do
      collect_links(item, repository, found, depth + 1)
    end
  end
end

--- Reads a conversation's events and returns the pull requests that the service lists or the events mention. Leaves out
--- links in events of the user and, if the conversation has a repository, links to other repositories in its events.
---@param conversation openhands.Conversation
---@param events openhands.Pages
---@return string[]? links
---@return openhands.Error? err
function M.all(conversation, events)
  local found = {}
  for _, link in ipairs(conversation.pull_requests or {}) do
    found[link] = true
    found[#found + 1] = link
  end
  while true do
    local items, err = events:page()
    if err then
      return nil, err
    elseif not items then
      break
    end
    for _, event in ipairs(items) do
      if type(event) == "table" and event.source ~= "user" then
        collect_links(event, conversation.selected_repository, found, 0)
      end
    end
  end
  for i = 1, #found do
    found[found[i]] = nil
  end
  return found
end

return M
