--- Drives a Neovim over RPC, as a user's: it starts with an empty configuration and the plugin's directory on its
--- runtimepath, and nothing of the search paths of the specs.
local files = require "spec.support.files"
local lfs = require "lfs"
local neovim = require "spec.support.neovim"
local processes = require "spec.support.processes"

local M = {}

-- Precedes every program, which runs in a Neovim of its own and drives the other one.
local before = [[
local init, environment = %q, %s
local failures = {}

-- Starts a Neovim with a user's configuration. Returns a function that runs Lua in it and returns its result.
local function start(configuration)
  local file = assert(io.open(init, "w"))
  file:write(configuration, "\n")
  file:close()
  local channel = vim.fn.jobstart({ "nvim", "--embed", "--headless", "-u", init, "-i", "NONE", "-n" }, {
    rpc = true, env = environment, cwd = %q,
  })
  assert(channel > 0, "Neovim does not start")
  return function(code, ...)
    return vim.rpcrequest(channel, "nvim_exec_lua", code, { ... })
  end, function() vim.fn.jobstop(channel) end, channel
end

-- Returns when Lua in the child returns true. Says what it returns otherwise.
local function await(child, code, ...)
  local words = { ... }
  local last
  local good = vim.wait(60000, function()
    last = child(code, unpack(words))
    return last == true
  end, 10)
  if not good then error("it never came: " .. code .. "\nlast: " .. vim.inspect(last)
    .. "\nmessages: " .. child("return vim.api.nvim_exec('messages', true)"), 2) end
end
local _ = { failures, await }
]]

--- The plugin's directory.
M.root = lfs.currentdir()

--- The line with which a plugin manager makes the plugin known.
M.plugin_line = ("vim.opt.runtimepath:prepend(%q)"):format(M.root)

--- Runs a program that drives a Neovim; it has `start`, `await`, and what `neovim.run` gives. Fails if it raises.
---@param program string Lua
---@param options? { environment: table<string, string>?, directory: string? } of the child
---@return string output
function M.said(program, options)
  local directory, remove = files.directory()
  local words = {}
  for name, value in pairs(options and options.environment or {}) do
    words[#words + 1] = ("[%q] = %q"):format(name, value)
  end
  -- What a user's Neovim does not have: the search paths of the specs.
  for _, name in ipairs { "LUA_PATH", "LUA_CPATH" } do words[#words + 1] = ("[%q] = ';;'"):format(name) end
  for _, name in ipairs { "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME" } do
    words[#words + 1] = ("[%q] = %q"):format(name, directory)
  end
  local text = before:format(directory .. "/init.lua", "{" .. table.concat(words, ", ") .. "}",
    options and options.directory or directory)
  local good, output = pcall(neovim.said, text .. program .. "\nvim.cmd 'qa!'")
  remove()
  if not good then error(output, 2) end
  return output
end

--- Returns a function that drives a Neovim whose service is a simulator. Programs also have `messages()`, `text()` (of
--- the current buffer), `told(text)`, which waits for a message, and `has_started(id)`, which waits until the service
--- lists the conversation: it does not before its start has ended. The output must not contain the key.
---@param server { address: string }
---@param key string
---@return fun(program: string, options: { configuration: string?, environment: table?, directory: string?,
--- plugin_line: string? }?): string
function M.with_service(server, key)
  return function(program, options)
    options = options or {}
    local environment = { OPENHANDS_BASE_URL = server.address, OPENHANDS_API_KEY = key, OPENHANDS_API = "v1" }
    for name, value in pairs(options.environment or {}) do environment[name] = value end
    local configuration = "vim.o.columns = 300\n" -- so that no message is cut
      .. (options.configuration or "vim.g.openhands = { interval = 0.02 }")
    local output = M.said(([[
      local child, _, channel = start(%q)
      local function messages() return child "return vim.api.nvim_exec('messages', true)" end
      local function text() return table.concat(child "return vim.api.nvim_buf_get_lines(0, 0, -1, false)", "\n") end
      local function told(words)
        await(child, "return vim.api.nvim_exec('messages', true):find(..., 1, true) ~= nil", words)
      end
      local function has_started(id)
        local client = require "openhands".new { base_url = %q, api_key = %q, api = "v1" }
        for _ = 1, 1000 do
          local conversation = client:status(id)
          if conversation and conversation.state ~= "starting" then return end -- from now on the list has it, too
          client:sleep(0.01)
        end
        error "the start never came to the service"
      end
      local _ = { messages, text, told, has_started, channel }
    ]]):format((options.plugin_line or M.plugin_line) .. "\n" .. configuration, server.address, key) .. program, {
      environment = environment, directory = options.directory,
    })
    if output:find(key, 1, true) then error("the key stands in: " .. output, 2) end
    return output
  end
end

--- Returns whether these specs can run: Neovim has LuaJIT built in, so they run with LuaJIT, and without sanitizers,
--- because Neovim loads the module that users have. Says so where Neovim is missing; under `make test` that is an
--- error.
---@return boolean
function M.can_run()
  if not rawget(_G, "jit") or os.getenv "ASAN_OPTIONS" then return false end
  local found = os.execute "command -v nvim >/dev/null"
  if found == true or found == 0 then return true end
  assert(not os.getenv "TALLY", "these specs need Neovim: install neovim, or run tools/setup.sh test")
  io.stderr:write "SKIPPED: the specs of the plugin, because there is no Neovim\n"
  return false
end

M.quoted = processes.quoted

return M
