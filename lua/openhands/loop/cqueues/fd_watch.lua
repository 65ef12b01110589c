--- Who watches a client's descriptor in cqueues: one coroutine of this room's in each controller where somebody waits
--- for that client. So it does not matter which of those who wait, or which controllers, come to an end.

local conditions = require "cqueues.condition"
local cqueues = require "cqueues"

local NAP = 0.01 -- seconds between two looks where the system has no descriptor to watch

local M = {}

--- One controller's watch over one client.
---@class openhands.Post
---@field waiting integer how many wait here
---@field bell userdata a condition: whoever watches looks whether they are still needed
---@field manned thread|true|nil who watches; true: who is to begin

local posts = setmetatable({}, { __mode = "k" }) -- by client: by controller
local descriptors = setmetatable({}, { __mode = "k" }) -- by client: what controllers watch

---@param client openhands.Client
function M.attach(client)
  posts[client] = setmetatable({}, { __mode = "k" })
end

--- No controller watches the client's descriptor any more.
---@param client openhands.Client
function M.detach(client)
  local descriptor = descriptors[client]
  if descriptor then
    descriptors[client] = nil
    cqueues.cancel(descriptor)
  end
end

local function is_needed(client, post)
  return post.waiting > 0 and client:_is_busy()
end

local keep_watch

-- An error that ends the one who watches is the controller's to tell of, and those who wait have another one.
local function pump(client, controller, post)
  local good, problem = client:_try_pump(0)
  if not good then
    post.manned = nil
    M.man(client, controller, post)
    error(problem, 0)
  end
end

-- Moves the exchanges on while somebody here waits for some.
function keep_watch(client, controller, post)
  post.manned = coroutine.running()
  pump(client, controller, post) -- what has just begun goes out at once
  while is_needed(client, post) do
    local descriptor = client._core:pollfd()
    descriptors[client] = descriptor
    if descriptor then
      cqueues.poll(client._core, post.bell)
    else
      cqueues.poll(post.bell, NAP)
    end
    pump(client, controller, post)
  end
  post.manned = nil
  M.detach(client) -- a client that is collected takes nothing with it that a controller still knows
end

local function is_manned(post)
  return post.manned == true or post.manned and coroutine.status(post.manned) ~= "dead"
end

--- Sees to it that somebody watches, if that is needed.
---@param client openhands.Client
---@param controller userdata
---@param post openhands.Post
function M.man(client, controller, post)
  if is_needed(client, post) and not is_manned(post) then
    controller:wrap(keep_watch, client, controller, post)
    post.manned = true -- it is to begin
  end
end

--- Somebody waits here from now on, until `leave`.
---@param client openhands.Client
---@param controller userdata
---@return openhands.Post
function M.enter(client, controller)
  local post = posts[client][controller]
  if not post then
    post = { waiting = 0, bell = conditions.new() }
    posts[client][controller] = post
  end
  post.waiting = post.waiting + 1
  M.man(client, controller, post)
  return post
end

---@param client openhands.Client
---@param post openhands.Post
function M.leave(client, post)
  post.waiting = post.waiting - 1
  if is_manned(post) and not is_needed(client, post) then
    post.bell:signal()
  end
end

return M
