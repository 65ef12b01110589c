-- The command in a terminal: live lines, boards, colours, Ctrl-C; texts of the service never control the terminal.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

local shell = assert(io.popen "script -qec true /dev/null </dev/null >/dev/null 2>&1 && echo yes")
local has_script = shell:read "*l" == "yes"
shell:close()
if not has_script then
  return describe("the command in a terminal", function()
    it("is shown", function() pending "`script` of util-linux is not installed" end)
  end)
end

-- The first case runs on each Lua, the others on two: they take seconds, and test no more there.
local once = (rawget(_G, "jit") or _VERSION == "Lua 5.4") and it or function() end

-- Waits in the shell until the screen has a text, for 20 s at most.
local UNTIL = "tries=0; until grep -q '%s' $screen || [ $tries = 400 ]; do tries=$((tries + 1)); sleep 0.05; done"

describe("the command in a terminal", function()
  local here = commands.specs(setup, teardown, { pace = 0.02 })

  before_each(function() here.service:reset() end)

  it("shows one live line for one conversation, in colours, and leaves its end", function()
    local screen, status = here.on_terminal "start 'Fix it.' --repo owner/repo --wait --interval 0.05"
    assert.equal(0, status)
    assert.matches("\27%[1A\r\27%[2K.*\27%[34mrunning\27%[0m", screen)
    local last = screen:match ".*\27%[2K([^\n]*)\r\n"
    assert.matches("^%* \27%[1mFix it%.\27%[0m  \27%[32mfinished\27%[0m .*Done%. Opened pull request 7%.$", last)
    assert.matches("Done%. Opened pull request 7%.\r\n[^\n]*/pull/7\r\n$", screen)
    local _, drawings = screen:gsub("\27%[1A", "")
    assert.is_true(drawings < 40)
  end)

  once("shows a board for several, trouble first, and rows for what was found", function()
    local ids = {}
    for place, message in ipairs { "Fix it.", "Fail. [simulate: error]", "More." } do
      ids[place] = here.output(("start '%s' --repo owner/repo%d"):format(message, place))
    end
    local screen, status = here.on_terminal("wait --interval 0.05 " .. table.concat(ids, " "))
    assert.equal(2, status)
    local board = screen:match ".*\27%[2mSTATE\27%[0m(.*)" or ""
    assert.matches("failed.*Fail%..*finished.*Fix it%..*3 conversations\27%[0m: .*1 failed.*, .*2 finished", board)
    for _, id in ipairs(ids) do
      assert.matches(("\27]8;;%s/conversations/%s\27\\"):format(here.service.address, id), screen, 1, true)
    end
  end)

  once("writes neither colours nor moving lines if told so", function()
    local screen = here.on_terminal("--color never start 'Fix it.' --wait --interval 0.05")
    assert.is_nil(screen:find("\27", 1, true))
    assert.matches("  finished ", screen)
    for name, value in pairs { NO_COLOR = "1", TERM = "dumb" } do
      screen = here.on_terminal("list", { [name] = value })
      assert.is_nil(screen:find("\27[", 1, true))
      assert.matches("finished +%d+s +.*Fix it%.", screen)
    end
    local lines = here.run("--color always wait --interval 0.05 " .. here.output "start 'Fix it.'").errors
    assert.matches("\27%[34mrunning.*\n[^\n]*\27%[32mfinished[^\n]*Done%.[^\n]*\n$", lines)
  end)

  once("ends with Ctrl-C: the line stays, what to do comes below", function()
    here.service:options { pace = 0.1 }
    local screen, status = here.on_terminal("start 'Take your time.' --wait --interval 0.05", nil,
      UNTIL:format "running" .. "; printf '\\003'; " .. UNTIL:format "wait [0-9a-f]")
    here.service:options { pace = 0.02 }
    assert.equal(130, status)
    assert.matches("\r\nInterrupted%. Conversations go on; to come back:\r\n  openhands%-lua wait [%x-]+\r\n$", screen)
  end)

  once("shows a fleet as a board, and then its report", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    files.write(here.directory .. "/board.csv",
      "repository,message\nowner/two,Fail. [simulate: error]\nowner/one,Fix.\nowner/three,Fix.\n")
    local screen, status = here.on_terminal(("fleet run %s/board.csv --interval 0.05"):format(here.directory))
    assert.equal(2, status)
    assert.matches("\27%[34mrunning\27%[0m  \27%[1mowner/one\27%[0m", screen)
    assert.matches("\27%[1;31mfailed\27%[0m +\27%[1mowner/two\27%[0m", screen)
    assert.matches("\27%[JFleet board\r\n.*\r\n3 runs: 1 failed, 2 done, [^\n]*\r\n$", screen)
  end)

  once("never lets a text of the service control the terminal", function()
    local hostile = "title \\033]0;owned\\007 \\033[2J \\302\\233 \\342\\200\\256 end"
    local id = here.output(('start "$(printf \'%s\')"'):format(hostile))
    here.run("wait --interval 0.05 " .. id)
    for _, words in ipairs {
      "list", "status " .. id, "events " .. id, "wait " .. id, "list --json", "events --json " .. id,
      "send --wait --interval 0.05 " .. id .. (' "$(printf \'%s\')"'):format(hostile),
    } do
      local screen = here.on_terminal(words)
      assert.is_nil(screen:find("\27]0;", 1, true), words)
      assert.is_nil(screen:find("\27[2J", 1, true), words)
      assert.is_nil(screen:find("\194\155", 1, true), words)
      assert.is_nil(screen:find("\226\128\174", 1, true), words)
    end
  end)
end)
