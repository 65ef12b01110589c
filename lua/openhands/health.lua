--- `:checkhealth openhands`: says what is missing, and how to get it.

local configuration = require "openhands.nvim.configuration"
local keys = require "openhands.nvim.key"
local library = require "openhands.nvim.library"

local M = {}

local PATIENCE = 5 -- seconds for an answer of the service

-- The reporting functions have had several names.
local reports = vim.health or require "health"
local start = reports.start or reports.report_start
local ok = reports.ok or reports.report_ok
local warn = reports.warn or reports.report_warn
local fail = reports.error or reports.report_error
local info = reports.info or reports.report_info

local function check_editor()
  start "openhands: editor"
  if vim.fn.has "nvim-0.7" == 1 then
    ok "Neovim is 0.7 or newer"
  else
    fail "Neovim is older than 0.7"
  end
  if vim.fn.executable "git" == 1 then
    ok "git is there, to guess the repository of a file"
  else
    warn("git is missing", { "install git, or name the repository: `:OpenHands start repository=owner/name …`" })
  end
end

local function advice_for_module()
  local make = "make LUA=" .. library.lua()
  local root = library.root()
  local advice = {
    root and ("build it: `cd %s && %s`"):format(root, make) or "install the rock again, with this Neovim's Lua",
    "lazy.nvim and packer do this with `build = \"" .. make .. "\"` (packer: `run`)",
    "it needs a C compiler, libcurl 7.76 or newer with its headers, and the headers of LuaJIT",
    "Debian, Ubuntu: `apt install gcc make pkg-config libcurl4-openssl-dev libluajit-5.1-dev`",
    "Fedora: `dnf install gcc make libcurl-devel luajit-devel`; macOS: `brew install luajit pkg-config`",
  }
  return advice
end

-- Returns a loader's error without the list of the places where it has looked.
local function reason_of(problem)
  return (problem:gsub("(module '[^']*' not found):.*", "%1"):gsub("[ \t]*\n[ \t]*", " "))
end

local function check_library()
  start "openhands: library"
  local openhands, problem = library.load()
  if not openhands then
    fail("the C module cannot be loaded: " .. reason_of(problem or "unknown"), advice_for_module())
    return nil
  end
  local version, curl = require("openhands.core").version()
  ok(("openhands %s, built for %s"):format(version, library.lua()))
  ok(curl)
  return openhands
end

local function check_key()
  start "openhands: key"
  local source, given = keys.source(), configuration.get().api_key
  if not source then
    warn("there is no API key", {
      "set OPENHANDS_API_KEY, or `api_key` in your configuration: see `:help openhands-key`",
      "keys are made at https://app.all-hands.dev/settings/api-keys",
    })
  elseif type(given) == "table" and vim.fn.executable(tostring(given[1])) == 0 then
    fail(("the key comes from %s, which is not executable here"):format(source))
  else
    ok("the key comes from " .. source)
  end
end

-- Asks the service whether it is alive, which needs no key, and then who we are.
local function check_service(openhands)
  start "openhands: service"
  local settings = vim.tbl_extend("force", {}, configuration.get().client or {})
  settings.base_url = configuration.get().base_url or settings.base_url
  settings.deadline, settings.retries, settings.loop = PATIENCE, 0, "uv"
  local made, client = pcall(openhands.new, settings)
  if not made then
    return fail("the settings are malformed: " .. tostring(client))
  end
  local alive, err = client:alive()
  local address = tostring(client):match "%((.-)[,)]"
  if alive then
    ok(("%s answers"):format(address))
  else
    fail(("%s cannot be reached: %s"):format(address, tostring(err)), {
      "is there a network, or a proxy? libcurl reads https_proxy; `client = { proxy = … }` sets one",
    })
  end
  client:close()
end

--- Runs the checks. Neovim calls it.
function M.check()
  start "openhands: configuration"
  local problem = configuration.get().problem
  if problem then
    fail(problem, { "see `:help openhands-configuration`" })
  else
    ok "the configuration is well formed"
  end
  check_editor()
  local openhands = check_library()
  check_key()
  if openhands then
    check_service(openhands)
  else
    info "the service was not asked, because the library is missing"
  end
end

return M
