-- Runs every Lua snippet of README.md and doc/*.md in a process of its own, as a reader would, against a simulator.
--
-- A block that opens with ```lua is run: it must exit with 0 within a minute. `<!-- prints: PATTERN -->` on a line
-- above the block is a Lua pattern that its output must match. A block that opens with ```lua fragment is not run.
local databases = require "spec.support.ledger_databases"
local documentation = require "spec.support.documentation"
local files = require "spec.support.files"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local LIMIT = 60 -- seconds for one snippet
local AT_ONCE = 24 -- processes

-- Starts a program with the simulator as its service. Returns a function that waits for its end and returns its output.
-- Each program has a directory of its own for the ledger of fleets.
local function run_program(words, address, environment)
  local state, remove = files.directory()
  local process = assert(io.popen(("%s XDG_STATE_HOME='%s' OPENHANDS_API_KEY=any OPENHANDS_BASE_URL=%s timeout %d '%s' "
    .. "%s 2>&1; echo exit $?"):format(environment or "", state, address, LIMIT, processes.interpreter(), words)))
  return function()
    local output = process:read "*a"
    process:close()
    remove()
    return output
  end
end

local function run(code, address)
  local path = os.tmpname()
  files.write(path, code)
  local ends_at_once = code:find("os.exit", 1, true) -- without closing its Lua state
  local finish = run_program(path, address, ends_at_once and processes.without_leak_checks())
  return function()
    local output = finish()
    os.remove(path)
    return output
  end
end

describe("the snippets of", function()
  local service, service_of_fleets -- to a fleet, the conversations of other snippets take slots of its account
  local snippets = documentation.snippets()
  local outputs = {} -- of each snippet, once it has ended

  setup(function()
    service = simulator.spawn { pace = 0.005 }
    service_of_fleets = simulator.spawn { pace = 0.005 }
  end)

  teardown(function()
    service:close()
    service_of_fleets:close()
  end)

  -- Snippets take seconds, most of which they sleep: several run at once.
  local function output_of(place)
    if not outputs[place] then
      local running = {}
      for each = place, math.min(place + AT_ONCE - 1, #snippets) do
        local its_service = snippets[each].page == "doc/fleets.md" and service_of_fleets or service
        running[each] = run(snippets[each].code, its_service.address)
      end
      for each, finish in pairs(running) do
        outputs[each] = finish()
      end
    end
    return outputs[place]
  end

  for place, snippet in ipairs(snippets) do
    it(("%s: line %d exits with 0 and prints what the page says"):format(snippet.page, snippet.line), function()
      if snippet.page == "doc/fleets.md" and not databases.is_supported "SQLite" then
        return pending "LuaDBI is missing"
      end
      local output = output_of(place)
      assert.matches("exit 0\n$", output)
      for _, pattern in ipairs(snippet.patterns) do
        assert.matches(pattern, output)
      end
    end)
  end

  it("README.md are there, and begin with the first run", function()
    assert.equal("README.md", snippets[1].page)
    assert.is_truthy(snippets[1].code:find("openhands.start", 1, true))
  end)
end)

describe("the example of several conversations", function()
  it("runs in plain Lua", function()
    local service = simulator.spawn { pace = 0.005 }
    local output = run_program("examples/concurrent.lua owner/one owner/two owner/three", service.address)()
    service:close()
    assert.matches("exit 0\n$", output)
    for _, repository in ipairs { "one", "two", "three" } do
      assert.matches(("owner/%s +finished\n.*owner/%s +Done%%."):format(repository, repository), output)
    end
  end)
end)

describe("the page of the simulator", function()
  it("shows how to run it as a program, and it stays", function()
    local commands = files.read("doc/simulator.md"):match "```sh\n(lua5%.4 [^\n]*server%.lua.-)```"
    -- A free port replaces 8080, this Lua lua5.4; the simulator is ended with the shell.
    local uv = require "luv"
    local socket = uv.new_tcp()
    socket:bind("127.0.0.1", 0)
    local port = socket:getsockname().port
    socket:close()
    uv.run "nowait"
    commands = commands:gsub("8080", port):gsub("lua5%.4", processes.interpreter()):gsub("&\n", ([[& server=$!
      trap 'kill $server' EXIT
      until (: </dev/tcp/127.0.0.1/%d) 2>/dev/null; do kill -0 $server || exit; done
    ]]):format(port))
    local path = os.tmpname()
    files.write(path, commands)
    local process = assert(io.popen(("timeout %d bash '%s' 2>&1"):format(LIMIT, path)))
    local output = process:read "*a"
    process:close()
    os.remove(path)
    assert.matches("http://127%.0%.0%.1:" .. port, output)
    assert.matches("owner/one +finished", output)
  end)
end)

describe("the first example", function()
  it("shows two conversations, one per dialect, from start to end", function()
    local command = ("env -u OPENHANDS_API_KEY -u OPENHANDS_CLOUD_API_KEY '%s' examples/first_conversation.lua 2>&1")
    local process = assert(io.popen(command:format(processes.interpreter())))
    local output = process:read "*a"
    process:close()
    assert.matches("running on the simulator", output)
    assert.matches("V1  finished", output)
    assert.matches("V1  answer    Done%.", output)
    assert.matches("V0  finished", output)
  end)

  it("runs on the service when there is a key, and says so", function()
    local service = simulator.spawn { pace = 0.005 }
    local command = "OPENHANDS_API_KEY=any OPENHANDS_BASE_URL=%s '%s' examples/first_conversation.lua 2>&1"
    local process = assert(io.popen(command:format(service.address, processes.interpreter())))
    local output = process:read "*a"
    process:close()
    assert.matches("Running on the service, " .. service.address:gsub("%p", "%%%0"), output)
    assert.matches("V1  finished", output)
    assert.equal(1, #service:starts())
    service:close()
  end)
end)
