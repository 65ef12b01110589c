-- Every Lua snippet of the README runs, each in a process of its own, as a reader would run it.

local simulator = require "openhands.simulator"

local function snippets()
  local file = assert(io.open "README.md")
  local text = file:read "*a"
  file:close()
  local list = {}
  for code in text:gmatch "```lua\n(.-)```" do
    list[#list + 1] = code
  end
  return list
end

local function interpreter()
  local first = -1
  while arg[first - 1] do
    first = first - 1
  end
  return arg[first]
end

-- Begins to run a program with the simulator as its service; returns what gives its output, once it has ended.
local function run_program(words, address)
  local process = assert(io.popen(("OPENHANDS_API_KEY=any OPENHANDS_BASE_URL=%s '%s' %s 2>&1; echo exit $?"):format(
    address,
    interpreter(),
    words
  )))
  return function()
    local output = process:read "*a"
    process:close()
    return output
  end
end

local function run(code, address)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local finish = run_program(path, address)
  return function()
    local output = finish()
    os.remove(path)
    return output
  end
end

describe("the README", function()
  local service
  local outputs = {} -- they take seconds, so all run at once

  setup(function()
    service = simulator.spawn { pace = 0.005 }
    for index, code in ipairs(snippets()) do
      outputs[index] = run(code, service.address)
    end
  end)

  teardown(function()
    service:close()
  end)

  local expected = {
    { "finished\tDone%." }, -- twelve lines
    { "%->\tfinished\n", "Done%." }, -- a client of one's own
    { "WORKING\n.*READY\n" }, -- how a start goes
    { "first:\t%d\tfinished\n", "finished\t0%.%d+\n.*finished\t0%.%d+\n.*finished" }, -- many at once
    { "finished\t0%.%d+\n", "finished\tfinished\n" }, -- several things at once
    { "Done%." }, -- in your host
    { "MessageEvent\tuser\n", "\nUPDATED\tREADME.md\n", "\nfinished\n", "\tThe plan\n" }, -- the rest
    { "0\thello", "nil\t0\n", "\t6\n" }, -- inside the sandbox
    { "not_found\tfalse\tstatus: the service knows no conversation" },
    { "conversation %x+%-%x+%-%x+%-%x+%-%x+ starting" }, -- starting safely
    { "failed\t", "1\taccepted" }, -- the simulator in a process
    { "finished\t.*after %d+ s" }, -- the simulator inside
  }

  it("has as many snippets as are expected here", function()
    assert.equal(#expected, #snippets())
  end)

  for index, code in ipairs(snippets()) do
    it("runs: " .. (code:match "openhands%.new" or code:match "openhands%.%w+" or "") .. " #" .. index, function()
      local output = outputs[index]()
      assert.matches("exit 0\n$", output)
      for _, pattern in ipairs(expected[index]) do
        assert.matches(pattern, output)
      end
    end)
  end

  it("has an example of several conversations in plain Lua", function()
    local output = run_program("examples/concurrent.lua owner/one owner/two owner/three", service.address)()
    assert.matches("exit 0\n$", output)
    for _, repository in ipairs { "one", "two", "three" } do
      assert.matches(("owner/%s +finished\n.*owner/%s +Done%%."):format(repository, repository), output)
    end
  end)

  it("has the simulator as a program of its own, which stays", function()
    local file = assert(io.open "README.md")
    local commands = file:read("*a"):match "```sh\n(lua5%.4 [^\n]*server%.lua.-)```"
    file:close()
    -- A free port takes the place of 8080, this Lua that of lua5.4; what was started is ended.
    local uv = require "luv"
    local socket = uv.new_tcp()
    socket:bind("127.0.0.1", 0)
    local port = socket:getsockname().port
    socket:close()
    uv.run "nowait"
    commands = commands:gsub("8080", port):gsub("lua5%.4", interpreter()):gsub("&\n", ([[& server=$!
      trap 'kill $server' EXIT
      until (: </dev/tcp/127.0.0.1/%d) 2>/dev/null; do kill -0 $server || exit; done
    ]]):format(port))
    local path = os.tmpname()
    local script = assert(io.open(path, "w"))
    script:write(commands)
    script:close()
    local process = assert(io.popen(("timeout 60 bash '%s' 2>&1"):format(path)))
    local output = process:read "*a"
    process:close()
    os.remove(path)
    assert.matches("http://127%.0%.0%.1:" .. port, output)
    assert.matches("owner/one +finished", output)
  end)

  it("names settings, kinds and start fields as they are", function()
    local file = assert(io.open "README.md")
    local text = file:read "*a"
    file:close()
    for _, row in ipairs(require("openhands.core").operations()) do
      if row.name == "start" then
        for _, field in ipairs(row.fields) do
          assert.is_truthy(text:find("`" .. field.name .. "`", 1, true), field.name)
        end
      end
    end
  end)
end)

describe("the first example", function()
  it("shows two conversations, one per dialect, from start to end", function()
    local command = ("env -u OPENHANDS_API_KEY -u OPENHANDS_CLOUD_API_KEY '%s' examples/first_conversation.lua 2>&1")
    local process = assert(io.popen(command:format(interpreter())))
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
    local process = assert(io.popen(command:format(service.address, interpreter())))
    local output = process:read "*a"
    process:close()
    assert.matches("Running on the service, " .. service.address:gsub("%p", "%%%0"), output)
    assert.matches("V1  finished", output)
    assert.equal(1, #service:starts())
    service:close()
  end)
end)
