-- In cqueues, copas and libuv, one coroutine or handle watches the descriptor of a client for all its waits. An error
-- that ended the watch also ended all these waits.

local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"
local uv = require "luv"

local TASK = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}'

-- A client whose `_pump` fails at its calls of those numbers, on a server in this process.
local function begin(loop, failing)
  local server = raw_server.new(raw_server.answer(TASK))
  local client = openhands.new { base_url = server.address, api_key = "k", api = "v1", loop = loop, retries = 0 }
  local pump, calls, raised = client._pump, 0, 0
  client._pump = function(self, seconds)
    calls = calls + 1
    if failing[calls] then
      raised = raised + 1
      error("interrupted!", 0)
    end
    return pump(self, seconds)
  end
  return client, server, function() return raised end
end

local some = { [1] = true, [3] = true, [4] = true, [6] = true }

describe("an error in the watch of a client's descriptor", function()
  it("ends nobody else's wait in cqueues", function()
    local good, cqueues = pcall(require, "cqueues")
    if not good then return pending "needs cqueues" end
    local client, server, raised = begin("cqueues", some)
    local controller, answers, problems = cqueues.new(), {}, 0
    for place = 1, 3 do
      controller:wrap(function() answers[place] = client:start { initial_user_msg = "x" } end)
    end
    for _ = 1, 2000 do
      uv.run "nowait"
      local well, problem = controller:step(0.002)
      if not well then
        problems = problems + 1
        assert.matches("interrupted!", tostring(problem))
      end
      if answers[1] and answers[2] and answers[3] then break end
    end
    assert.is_table(answers[1] and answers[2] and answers[3])
    assert.is_true(raised() >= 3)
    assert.is_true(problems >= 1)
    client:close()
    server:close()
  end)

  it("ends nobody else's wait in copas", function()
    local good, copas = pcall(require, "copas")
    if not good then return pending "needs copas" end
    local client, server, raised = begin("copas", some)
    local answers, problems = {}, 0
    local globals, stderr = getfenv and getfenv(copas.addthread) or _G, io.stderr -- copas prints what a thread raises
    local print_ = globals.print
    globals.print = function() problems = problems + 1 end
    io.stderr = { write = function() problems = problems + 1 end } -- luacheck: ignore 122
    local well, problem = pcall(function()
      for place = 1, 3 do
        copas.addthread(function() answers[place] = client:start { initial_user_msg = "x" } end)
      end
      for _ = 1, 2000 do
        uv.run "nowait"
        copas.step(0.002)
        if answers[1] and answers[2] and answers[3] then break end
      end
    end)
    globals.print = print_
    io.stderr = stderr -- luacheck: ignore 122
    assert.is_true(well, problem)
    assert.is_table(answers[1] and answers[2] and answers[3])
    assert.is_true(raised() >= 3)
    client:close()
    server:close()
  end)
end)
