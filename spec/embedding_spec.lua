-- The example of a C program with a Lua inside: compiled for the Lua that runs this, with a service that answers and
-- with one that never does.
local raw_server = require "spec.support.raw_server"
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local function output_of(command)
  local shell = assert(io.popen(command .. " 2>/dev/null"))
  local text = shell:read "*l"
  shell:close()
  return text
end

local interpreter = processes.quoted(processes.interpreter())
local build_name = output_of("tools/lua.sh build_name " .. interpreter)
local headers = output_of("tools/lua.sh incdir " .. interpreter)
local library = output_of("pkg-config --libs " .. build_name)

describe("the embedding example", function()
  if not headers or not library then
    local missing = "the headers and the library of " .. build_name
    it("needs " .. missing, function()
      if os.getenv "CI" == "true" then error("missing: " .. missing) end
      pending("missing: " .. missing)
    end)
    return
  end

  local directory, remove

  local function run(command)
    local shell = assert(io.popen(("(%s) >%s/output 2>&1; echo $?"):format(command, directory)))
    local code = shell:read "*n"
    shell:close()
    return { code = code, output = files.read(directory .. "/output") }
  end

  local function embedding(address)
    return run(("LUA_PATH=%s LUA_CPATH=%s OPENHANDS_BASE_URL=%s OPENHANDS_API_KEY=%s %s/embedding"):format(
      processes.quoted(package.path), processes.quoted(package.cpath), address, canary.key, directory))
  end

  setup(function()
    directory, remove = files.directory()
    assert.are.same({ code = 0, output = "" }, run(("${CC:-cc} -std=gnu99 -Wall -Wextra -Werror -I%s -o %s/embedding "
      .. "examples/embedding.c -Wl,-E %s"):format(processes.quoted(headers), directory, library)))
  end)
  teardown(function() remove() end)

  it("runs a workflow in its own loop, and closes it in the middle of exchanges", function()
    local server = simulator.spawn { pace = 0 }
    local result = embedding(server.address)
    local jobs = server:jobs()
    server:close()
    assert.are.same({
      code = 0,
      output = "started a conversation\n" .. ("received a status\n"):rep(3)
        .. "closing with 3 exchanges in flight\na second state: starting\nthe end\n",
    }, result)
    assert.are.equal(2, jobs)
  end)

  it("is not blocked by a service that never answers", function()
    local server = raw_server.new(function() end) -- nobody reads either: its loop does not turn
    local result = embedding(server.address)
    server:close()
    assert.are.same({
      code = 0,
      output = "no response yet\nclosing with 4 exchanges in flight\na second state: ambiguous\nthe end\n",
    }, result)
  end)

  it("reports why there is no service", function()
    local server = raw_server.new(function() end)
    server:close()
    assert.are.same({
      code = 0,
      output = "not started: connect\nclosing with 3 exchanges in flight\na second state: connect\nthe end\n",
    }, embedding(server.address))
  end)
end)
