--- openhands starts conversations with a coding agent and waits until they are done.
---
---     local openhands = require "openhands"          -- the key is in OPENHANDS_API_KEY
---     local conversation = assert(openhands.start { initial_user_msg = "Fix the typo.", repository = "owner/repo" })
---     local done = assert(openhands.wait(conversation))
---     print(done.state, done.answer)
---
--- Every method of a client is also a function of this module. These functions use a default client, which is made
--- from the environment at the first call.

require "openhands.requirements"

local clients = require "openhands.client"
local core = require "openhands.core"
local deferred = require "openhands.deferred"
local displays = deferred.module "openhands.display.show"
local errors = require "openhands.errors"
local spelling = deferred.module "openhands.spelling"

---@class (partial) openhands
local M = {}

local version, libraries = core.version()
local default_client

-- Returns the default client. After a fork the child makes a new one: the connections belong to the parent.
local function default()
  if not default_client or default_client._core:is_inherited() then
    default_client = clients.new()
  end
  return default_client
end

--- Makes a separate client, for another account, service or set of limits. Raises if a setting is malformed.
---@param settings openhands.Settings?
---@return openhands.Client client call `client:close()` on it before you close its loop
function M.new(settings)
  return clients.new(settings)
end

-- Raises if a function was called with a colon: then its first argument is the module or the group.
local function check_receiver(owner, first, path)
  if first == owner then
    errors.raise(("%s: is a function: call openhands.%s(...) with a dot"):format(path, path))
  end
end

local function on_default(name)
  return function(...)
    check_receiver(M, (...), name)
    local client = default()
    return client[name](client, ...)
  end
end

local function on_group(group, name)
  return function(...)
    check_receiver(M[group], (...), group .. "." .. name)
    local calls = default()[group]
    return calls[name](calls, ...)
  end
end

-- types/ documents the arguments and results of these functions.
local names, groups = clients.names()
for _, name in ipairs(names) do
  M[name] = on_default(name)
end
for group, leaves in pairs(groups) do
  M[group] = {}
  for _, name in ipairs(leaves) do
    M[group][name] = on_group(group, name)
  end
end

local MOST_TYPOS = 2 -- letters; a name that differs in more is read as nil, unless a known one begins with it

-- Makes reading a misspelt name raise an error that suggests the right one.
local function explain_typos(owner, path, known)
  setmetatable(owner, {
    __name = "openhands",
    __tostring = function()
      return path == "" and ("openhands %s (%s)"):format(version, libraries) or "openhands." .. path:sub(1, -2)
    end,
    __index = function(_, name)
      local is_name = type(name) == "string" and name:sub(1, 1) ~= "_"
      local nearest = is_name and spelling.nearest(name, known, MOST_TYPOS)
      if nearest then
        errors.raise(("%s%s: there is no such function (did you mean '%s%s'?)"):format(path, name, path, nearest))
      end
    end,
  })
end

--- Closes the default client, if there is one; the next call makes a new one from the environment.
function M.close()
  if default_client then
    default_client:close()
    default_client = nil
  end
end

--- Prints a conversation, an event, or a list of either, for people; any other value of this library as `tostring` has
--- it. Sends nothing. `openhands.show(openhands.status(id))` prints the error if there is one.
---@param value any
---@param err openhands.Error? printed if the value is nil
function M.show(value, err)
  check_receiver(M, value, "show")
  print(displays.text(value == nil and err or value) or errors.raise(
    ("show: needs a conversation, an event, or a list of them, not a %s"):format(type(value))
      .. (type(value) == "string" and "; openhands.status(id) returns a conversation" or "")
  ))
end

--- Marks a table as a list, so that it is sent as `[]` even when it is empty. Returns it; without one, a new list.
M.array = core.array

--- JSON null. Answers contain it in lists; a null field of an object is absent from them. A field of a call that is
--- null is not sent; null inside the value of a field is sent.
M.null = core.null

--- Returns a random id for `conversation_id`. With an id of your own you can take up a start again even after this
--- process has ended.
M.uuid = core.uuid

--- The version of this library.
M.version = version

local known = {}
for name in pairs(M) do
  known[name] = true
end
explain_typos(M, "", known)
for group in pairs(groups) do
  local leaves = {}
  for name in pairs(M[group]) do
    leaves[name] = true
  end
  explain_typos(M[group], group .. ".", leaves)
end

return M
