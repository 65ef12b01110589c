-- The command that an interrupted `fleet run` or `worker` named to come back lacked most options: without `--message`,
-- it was an error, without `--slots` it ran more at once.
local fleets = require "openhands.command_line.fleets"
local parsers = require "openhands.command_line.parser"

describe("the hint of an interrupted fleet", function()
  -- Returns what the words of a command are read as.
  local function read(words)
    local list = {}
    for word in words:gmatch "[^ ]+" do list[#list + 1] = (word:gsub("_", " "):gsub("'", "")) end
    return select(2, assert(parsers.new(require "argparse"):pparse(list)))
  end

  it("has all options that were given, but those that are meant once", function()
    for _, command in ipairs { "fleet run x.csv", "worker" } do
      local given = command .. (command ~= "worker" and " --name n --message=-x{y} --key {y} --slots 2 --budget 1.5 "
        .. "--canary 1 --report r.csv" or "") .. " --ledger l.db --account a --timeout 90 --interval 0.05 --after leave"
        .. " --on-paused fail --reserve 3"
      local arguments = read(given .. (command ~= "worker" and " --retry --plan" or ""))
      local words = fleets.option_words(arguments)
      assert.is_nil(words:find "%-%-retry")
      assert.is_nil(words:find "%-%-plan")
      assert.same(read(given), read(command .. words))
    end
  end)
end)
