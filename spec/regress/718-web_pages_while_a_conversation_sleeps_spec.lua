-- A wait that looked again at a conversation that had fallen asleep took one web page in place of an answer, e.g. of
-- maintenance, as the last word: it returned "paused", where it goes on in any other state.
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a wait that gets a web page while it looks again at a conversation that fell asleep", function()
  -- Returns what a wait returns, and how many requests got a page.
  local function waited(most, status)
    local model = simulator.model { api = "v1", event_lag = 20 }
    local inner, pages, has_looked = simulator.transport(model), 0, false
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      local conversation = model:conversations()[1]
      if conversation and conversation.execution_status == "finished" then model:pause(conversation) end
      if has_looked and pages < most and request.path == "/api/v1/app-conversations" then
        pages = pages + 1
        return { status = status or 200, headers = { ["content-type"] = "text/html" }, body = "<html>Back soon" }
      end
      has_looked = has_looked or request.path:find "/events/search$" ~= nil
        and conversation.sandbox_status == "PAUSED"
      return inner:request(request)
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    return assert(client:run { initial_user_msg = "x" }).state, pages
  end

  it("goes on", function()
    assert.same({ "finished", 1 }, { waited(1) })
  end)

  it("returns what it knows if there are only such pages", function()
    for _, status in ipairs { 200, 404 } do
      local state, pages = waited(math.huge, status)
      assert.same({ "paused", true }, { state, pages < 10 })
    end
  end)
end)
