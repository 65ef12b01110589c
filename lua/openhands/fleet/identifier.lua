--- Derives the ids of the conversations of a fleet: always the same for the same account, fleet, item and attempt. So a
--- ledger that was lost can be made again from the list of items, and a rerun with an empty one starts nothing twice.

local core = require "openhands.core"

local M = {}

local NAMESPACE = "6f2b9a54-4f0e-4b0a-9c38-0d2b7a1c5e86" -- of this library; a change would give all items new ids

--- Returns the id of the conversation of an item.
---@param account_id string
---@param fleet string
---@param key string of the item
---@param attempt integer 1 for the first; another one only after the service has certainly not started the one before
---@return string conversation_id
function M.of(account_id, fleet, key, attempt)
  -- The ledger refuses texts with zero bytes, so that no two lists give the same text.
  return core.uuid5(NAMESPACE, table.concat({ account_id, fleet, key, ("%d"):format(attempt) }, "\0"))
end

--- Returns the id of the next attempt of a run: one that was never sent for it.
---@param run { account_id: string, fleet: string, key: string }
---@param sent { conversation_id: string }[] the ids that may have been sent, from `Ledger:conversation_ids`
---@return string conversation_id
function M.next(run, sent)
  local is_sent, attempt = {}, 1
  for _, row in ipairs(sent) do
    is_sent[core.normalize_id(row.conversation_id)] = true
  end
  local id
  repeat
    id = M.of(run.account_id, run.fleet, run.key, attempt)
    attempt = attempt + 1
  until not is_sent[core.normalize_id(id)]
  return id
end

return M
