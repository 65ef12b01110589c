-- `tools/lint.sh --layers`: which directory may include or require which, shown by files that stand in the wrong place.
local files = require "spec.support.files"
local lfs = require "lfs"

describe("the layers", function()
  local directory, remove

  setup(function()
    directory, remove = files.directory()
    assert(os.execute(("cp -R src lua tools '%s'"):format(directory)))
  end)

  teardown(function()
    remove()
  end)

  -- What the check prints once a line stands in a file.
  local function complaint_of(path, line)
    local full = directory .. "/" .. path
    local before = lfs.attributes(full) and files.read(full)
    local folder = full:match "^(.*)/"
    local is_new = not lfs.attributes(folder)
    if is_new then
      assert(lfs.mkdir(folder))
    end
    files.write(full, (before or "") .. line .. "\n")
    local shell = assert(io.popen(("'%s/tools/lint.sh' --layers 2>&1; echo $?"):format(directory)))
    local output = shell:read "*a"
    shell:close()
    if before then
      files.write(full, before)
    else
      os.remove(full)
    end
    if is_new then
      lfs.rmdir(folder)
    end
    return output
  end

  it("hold", function()
    assert.equal("0\n", complaint_of("README.md", ""))
  end)

  for _, case in ipairs {
    { "src/misc/text.c", "", "src/misc/text.c is in no layer" },
    { "src/text.c", "", "src/text.c is in no layer" },
    { "src/os/buffer.c", '#include "wire/utf8.h"', "src/os/buffer.c includes wire/utf8.h" },
    { "src/wire/utf8.c", '#include "http/multi.h"', "src/wire/utf8.c includes http/multi.h" },
    { "src/http/multi.c", '#include "lua/client.h"', "src/http/multi.c includes lua/client.h" },
    { "lua/openhands/misc/text.lua", "return {}", "lua/openhands/misc/text.lua is in no known directory" },
    { "lua/openhands/text.lua", "return {}", "lua/openhands/text.lua is in no known directory" },
    { "lua/openhands/task/timers.lua", 'local wait = require "openhands.wait"',
      "lua/openhands/task/timers.lua requires openhands.wait" },
    { "lua/openhands/loop/plain.lua", 'local state = require("openhands.conversation.state")',
      "lua/openhands/loop/plain.lua requires openhands.conversation.state" },
    { "lua/openhands/request/retry.lua", 'local wait = require "openhands.wait.poller"',
      "lua/openhands/request/retry.lua requires openhands.wait.poller" },
    { "lua/openhands/simulator/init.lua", 'local errors = require "openhands.errors"',
      "lua/openhands/simulator/init.lua requires openhands.errors" },
    { "lua/openhands/errors.lua", 'local openhands = require "openhands"',
      "lua/openhands/errors.lua requires openhands" },
  } do
    it("do not hold with: " .. case[3], function()
      local output = complaint_of(case[1], case[2])
      assert.is_truthy(output:find(case[3], 1, true), output)
      assert.matches("1\n$", output)
    end)
  end
end)
