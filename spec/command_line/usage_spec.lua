-- Mistakes in the command line, and what the command does without its modules.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

describe("openhands-lua", function()
  local here = commands.specs(setup, teardown)

  local function refused(words, pattern, options)
    local result = here.run(words, options)
    assert.equal(1, result.status)
    assert.equal("", result.output)
    assert.matches(pattern, result.errors)
  end

  it("names a mistake, and where help is", function()
    refused("", "^openhands%-lua: a command is required\nTry 'openhands%-lua %-%-help'%.\n$")
    refused("begin", "unknown command 'begin'")
    refused("start", "missing argument 'MESSAGE'\nTry 'openhands%-lua start %-%-help'")
    refused("status --jsn 1", "unknown option '%-%-jsn'\nDid you mean")
    refused("list --json --jsonl", "can not be used together")
    refused("wait 1 --timeout soon", "'soon' is no time: give seconds, or a number with s, m, h or d")
    refused("list --limit many", "no whole number")
    refused("--color blue list", "must be one of")
    refused("fleet", "a command is required")
  end)

  it("names a mistake that the library finds", function()
    refused("list --base-url ftp://x", "^openhands%-lua: %-%-base%-url: 'ftp://x' must begin with https://\n$")
    refused("status 'not an id'", "^openhands%-lua: openhands.status: not an id")
    refused("wait 'not an id'", "^openhands%-lua: [%w.:]*wait: not an id")
    refused("wait one one", "^openhands%-lua: [%w._:]*wait_all: items 1 and 2 of the list are the same")
    refused("list", "^openhands%-lua: openhands.OPENHANDS_API: 'api' must",
      { environment = { OPENHANDS_API = "v9" } })
  end)

  it("prints its version", function()
    assert.matches("^openhands%-lua %d+%.%d+%.%d+$", here.output "--version")
  end)

  it("prints completions for each shell", function()
    assert.matches("complete %-F _openhands%-lua", here.output "completion bash")
    assert.matches("^#compdef openhands%-lua", here.output "completion zsh")
    assert.matches("complete %-c openhands%-lua", here.output "completion fish")
    refused("completion csh", "must be one of")
  end)

  it("has completions that bash can read", function()
    local path = here.directory .. "/completion"
    files.write(path, here.output "completion bash" .. "\n")
    local shell = assert(io.popen(([[bash -c '. %s && COMP_WORDS=(openhands-lua sta) COMP_CWORD=1 && ]] ..
      [[_openhands-lua && echo "${COMPREPLY[@]}"' 2>&1]]):format(path)))
    assert.equal("start status", shell:read "*l")
    shell:close()
  end)

  it("says that argparse is missing, and how to get it", function()
    local program = here.directory .. "/program.lua"
    files.write(program, [[package.preload.argparse = function() error "missing" end
      dofile "bin/openhands-lua"]])
    local shell = assert(io.popen(("%s %s list 2>&1; echo exit $?"):format(processes.quoted(processes.interpreter()),
      program)))
    assert.equal("openhands-lua: needs the module argparse (Debian: apt-get install lua-argparse; "
      .. "LuaRocks: luarocks install argparse)\nexit 1\n", shell:read "*a")
    shell:close()
  end)

  it("uses the address of the service that the library uses", function()
    local sessions = require "openhands.command_line.session"
    assert.matches(sessions.DEFAULT_SERVICE, files.read "lua/openhands/settings.lua", 1, true)
  end)
end)
