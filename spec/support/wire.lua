--- What the specs that go over a real socket share: clients with a canary for a key, a search for that canary in
-- everything that can be printed, children, and counts of descriptors.
local ascii = require "openhands.ascii"
local lfs = require "lfs"
local openhands = require "openhands"
local uv = require "luv"

local M = {}

--- The key of every client made here. It may stand nowhere but in the request.
M.key = "sk-canary-5f2c91d7e0ab"

local logged = {}

--- A client of a server, fast: no back-off, milliseconds of grace.
---@param server { address: string }
---@param settings table?
---@return openhands.Client
function M.client(server, settings)
  local given = {
    base_url = server.address,
    api_key = M.key,
    grace = 0.02,
    random = function() return 0 end,
    log = function(line) logged[#logged + 1] = line end,
  }
  for name, value in pairs(settings or {}) do given[name] = value end
  return openhands.new(given)
end

local function collect(value, texts, seen)
  if type(value) == "string" then
    texts[#texts + 1] = value
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    texts[#texts + 1] = tostring(value)
    for name, item in pairs(value) do
      collect(name, texts, seen)
      collect(item, texts, seen)
    end
  elseif type(value) == "userdata" then
    texts[#texts + 1] = tostring(value)
  end
end

--- Fails if the key (or another secret) stands in a value, in anything it holds, or in a line of the log.
---@param value any
---@param secret string? default: the key
function M.assert_no_secret(value, secret)
  local texts = {}
  collect(value, texts, {})
  collect(logged, texts, {})
  for _, text in ipairs(texts) do
    if text:find(secret or M.key, 1, true) then error("the secret stands in: " .. text, 2) end
  end
end

--- Forgets the lines of the log.
function M.forget_log() logged = {} end

--- The lines of the log so far.
---@return string[]
function M.log() return logged end

local kinds = {}
for kind in ("authentication permission not_found invalid unsupported conflict throttled limit quota server connect "
  .. "timeout tls protocol too_large memory file ambiguous cancelled closed"):gmatch("%S+") do
  kinds[kind] = true
end

--- Fails unless a value is an error as the library documents them, without secrets or words of the JSON library.
---@param err any
---@return openhands.Error err
function M.assert_error(err)
  if type(err) ~= "table" or not kinds[err.kind] then
    error("not an error of the library: " .. tostring(type(err) == "table" and err.kind or err), 2)
  end
  if type(err.message) ~= "string" or tostring(err) ~= err.message then error("an error without a message", 2) end
  if err.message:find("cjson", 1, true) or err.message:find("Expected", 1, true)
    or err.message:find("at character", 1, true) then
    error("the words of the JSON library: " .. err.message, 2)
  end
  M.assert_no_secret(err)
  return err
end

local states = {}
for state in ("starting running waiting paused stopped finished failed gone unknown"):gmatch("%S+") do
  states[state] = true
end

--- Fails unless a value is a conversation in a known state.
---@param conversation any
function M.assert_conversation(conversation)
  assert(type(conversation) == "table" and type(conversation.conversation_id) == "string", "not a conversation")
  assert(states[conversation.state], "no state: " .. tostring(conversation.state))
  assert(type(conversation.settled) == "boolean" and type(conversation.status) == "string", "not complete")
  assert(type(conversation.url) == "string" and conversation.url:find("/conversations/", 1, true), "no page")
  M.assert_no_secret(tostring(conversation))
end

--- An id as it is compared.
---@param id string
---@return string
function M.same_id(id) return (ascii.lower(id:gsub("-", ""))) end

--- The environment, as words of a shell, of a program that never closes its Lua states: what they hold is no leak.
---@return string
function M.without_leak_checks()
  return ("ASAN_OPTIONS='%s:detect_leaks=0'"):format(os.getenv "ASAN_OPTIONS" or "")
end

--- Open descriptors of this process.
---@return integer
function M.descriptors()
  local count = 0
  for _ in lfs.dir("/dev/fd") do count = count + 1 end
  return count
end

--- Sends bytes and gives back all that comes until the peer closes.
---@param server { address: string }
---@param bytes string
---@return string
function M.fetch(server, bytes)
  local pieces, done = {}, false
  local tcp = uv.new_tcp()
  tcp:connect("127.0.0.1", tonumber(server.address:match(":(%d+)$")), function(problem)
    if problem then
      done = true
      return
    end
    tcp:read_start(function(trouble, piece)
      done = trouble ~= nil or piece == nil
      pieces[#pieces + 1] = piece
    end)
    tcp:write(bytes)
  end)
  while not done do uv.run "once" end
  tcp:close()
  uv.run "nowait"
  return table.concat(pieces)
end

-- Children ---------------------------------------------------------------------------------------------------------

local function interpreter()
  local first = type(arg) == "table" and -1
  while first and arg[first - 1] do first = first - 1 end
  if first and arg[first] then return arg[first] end
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d+%.%d+")
end

--- The program that runs this.
---@return string
M.interpreter = interpreter

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

M.quoted = quoted

--- A new directory for the files of one spec.
---@return string path, fun() remove
function M.directory()
  local shell = assert(io.popen "mktemp -d")
  local path = assert(shell:read "*l")
  shell:close()
  return path, function() os.execute("rm -rf " .. quoted(path)) end
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

M.write = write

--- The whole of a file.
---@param path string
---@return string
function M.read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

--- Begins a program in a Lua of its own, with our search paths.
---@param program string
---@return fun(): { code: integer, output: string, errors: string } wait for its end
function M.begin_child(program)
  local directory, remove = M.directory()
  write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath)
    .. program)
  local shell = assert(io.popen(("%s %s/program.lua >%s/output 2>%s/errors; echo $?"):format(
    quoted(interpreter()), directory, directory, directory)))
  return function()
    local result = { code = tonumber(shell:read "*l") }
    shell:close()
    result.output, result.errors = M.read(directory .. "/output"), M.read(directory .. "/errors")
    remove()
    return result
  end
end

--- Runs a program so, to its end.
---@param program string
---@return { code: integer, output: string, errors: string }
function M.child(program) return M.begin_child(program)() end

return M
