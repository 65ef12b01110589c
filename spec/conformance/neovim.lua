--- Runs a module of this directory in Neovim, and prints its lines:
--   nvim --headless -u NONE -c "luafile spec/conformance/neovim.lua"
-- with $COURSE, $SIMULATOR, $UPSTREAM and $REFUSED
local vim = rawget(_G, "vim")

local function run()
  require(os.getenv "COURSE").run {
    openhands = require "openhands",
    loop = nil, -- the one that is found by itself
    blocks = true,
    simulator = os.getenv "SIMULATOR", upstream = os.getenv "UPSTREAM", refused = os.getenv "REFUSED",
    report = function(line) io.stdout:write(line, "\n") io.stdout:flush() end,
  }
end

local good, problem = xpcall(run, debug.traceback)
if not good then io.stdout:write(problem, "\n") end
vim.cmd(good and "qa!" or "cquit!")
