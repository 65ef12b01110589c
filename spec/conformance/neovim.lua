--- Runs the scenarios in Neovim, and prints a line for each:
--   nvim --headless -u NONE -c "luafile spec/conformance/neovim.lua"     with $SIMULATOR, $UPSTREAM and $REFUSED
local vim = rawget(_G, "vim")

local function run()
  require("spec.conformance.course").run {
    openhands = require "openhands",
    loop = nil, -- found by itself
    blocks = true,
    simulator = os.getenv "SIMULATOR", upstream = os.getenv "UPSTREAM", refused = os.getenv "REFUSED",
    say = function(line) io.stdout:write(line, "\n") io.stdout:flush() end,
  }
end

local good, problem = xpcall(run, debug.traceback)
if not good then io.stdout:write(problem, "\n") end
vim.cmd(good and "qa!" or "cquit!")
