-- The shell snippets of doc/command-line.md, doc/fleets.md and README.md, as a reader runs them, against a simulator. A
-- block that opens with ```sh fragment is not run; its output must match `<!-- prints: PATTERN -->` above a block.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local exit_status = require "openhands.command_line.exit_status"
local files = require "spec.support.files"
local parsers = require "openhands.command_line.parser"
local processes = require "spec.support.processes"

local function snippets_of(page)
  local list, pattern, code = {}, nil, nil
  for line in files.read(page):gmatch "([^\n]*)\n" do
    if code and line == "```" then
      list[#list + 1] = { pattern = pattern, code = table.concat(code, "\n") }
      pattern, code = nil, nil
    elseif code then
      code[#code + 1] = line
    elseif line == "```sh" then
      code = {}
    elseif line:find "^<!%-%- prints: " then
      pattern = line:match("^<!%-%- prints: (.*) %-%->$"):gsub("\\([nt])", { n = "\n", t = "\t" })
    elseif line ~= "" then
      pattern = nil
    end
  end
  return list
end

-- What takes seconds runs on one Lua alone.
local once = _VERSION == "Lua 5.4" and it or function() end

describe("the page of the command line", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  setup(function()
    files.write(here.directory .. "/openhands-lua", ("#!/bin/sh\nexec %s %s/bin/openhands-lua \"$@\"\n"):format(
      processes.quoted(processes.interpreter()), require("lfs").currentdir()))
    os.execute(("cd '%s' && chmod +x openhands-lua && ln -s \"$(command -v %s)\" lua"):format(here.directory,
      processes.quoted(processes.interpreter())))
  end)

  local function run(code)
    files.write(here.directory .. "/snippet", code)
    local command = here.shell("", { PATH = here.directory .. ":" .. os.getenv "PATH" })
      :gsub("%S+ bin/openhands%-lua $", "")
    local shell = assert(io.popen(("cd '%s' && timeout 60 %s bash -e snippet 2>/dev/null; echo exit $?"):format(
      here.directory, command)))
    local output = shell:read "*a"
    shell:close()
    return output
  end

  local count = 0
  for _, page in ipairs { "doc/command-line.md", "doc/fleets.md", "README.md" } do
    for place, snippet in ipairs(snippets_of(page)) do
      if snippet.code:find "openhands%-lua %l" then
        count = count + 1
        once(("has a snippet %d in %s that runs"):format(place, page), function()
          if snippet.code:find("fleet run", 1, true) and not databases.is_supported "SQLite" then
            return pending "LuaDBI is missing"
          end
          local output = run(snippet.code)
          assert.matches("exit 0\n$", output)
          assert.matches(snippet.pattern, (output:gsub("exit 0\n$", "")))
        end)
      end
    end
  end

  it("has a line in README.md that runs the simulator, once the library is built", function()
    local text = files.read "README.md"
    local code = assert(text:match "`(openhands%-lua simulate [^`]+)`")
    local output = run(("unset OPENHANDS_BASE_URL OPENHANDS_API_KEY\ntrap 'kill $!' EXIT\n%s\n"
      .. "openhands-lua -q start x --repo owner/name --api v1"):format(code))
    assert.matches("^%x+%-[%x-]+\nexit 0\n$", output)
    assert.is_true(text:find("make LUA=lua5.4`", 1, true) < text:find('eval "$(make -s env)"', 1, true))
  end)

  it("has snippets", function() assert.is_true(count >= 4) end)

  it("names every command and every exit status", function()
    local text = files.read "doc/command-line.md"
    for _, name in ipairs(parsers.COMMANDS) do
      assert.is_truthy(text:find("`" .. name .. "[` ]") or text:find("`" .. name .. " "), name)
    end
    for _, each in ipairs(exit_status.meanings) do
      assert.matches(("| %d | %s |"):format(each[1], each[2]), text, 1, true)
    end
  end)
end)
