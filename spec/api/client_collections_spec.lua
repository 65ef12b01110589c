-- The collections of a client: conversations and events of the simulator, whose pages behave as those of services do.

local openhands = require "openhands"
local simulator = require "openhands.simulator"
local given_pages = require "spec.support.given_pages"
local in_process = require "spec.support.in_process"

local ids_of = given_pages.ids_of

-- Returns a loop that yields while it waits; the spec resumes the coroutine.
local function yielding_loop(clock)
  return {
    now = clock.now,
    wall = clock.wall,
    await = function(client, pending)
      repeat
        coroutine.yield "waiting"
        client:_pump(0)
      until pending.done
    end,
    attach = function() end,
    detach = function() end,
  }
end

describe("a client's collections", function()
  -- Returns a client of a service with some conversations, and their ids.
  local function started(options, count)
    local client, model, transport = in_process.simulated(options)
    local ids = {}
    for i = 1, count do
      local conversation = assert(client:start { initial_user_msg = "number " .. i })
      ids[conversation.conversation_id:gsub("-", "")] = true
      model:advance(20)
    end
    return client, model, transport, ids
  end

  for _, api in ipairs { "v0", "v1" } do
    for _, manner in ipairs { "plain", "empty", "repeat", "overlap" } do
      it(("are complete however the pages are cut: %s, %s"):format(api, manner), function()
        local client, _, _, ids = started({ api = api, list_pages = manner }, 7)
        local count = 0
        for conversation in client:list { limit = 2 } do
          local id = conversation.conversation_id:gsub("-", "")
          assert.is_true(ids[id])
          assert.equal(api, conversation.api)
          ids[id], count = false, count + 1
        end
        assert.equal(7, count)
      end)
    end

    it("are an error when a page leads to itself without end: " .. api, function()
      local client = started({ api = api, list_pages = "stuck" }, 5)
      local list, err = client:list({ limit = 2 }):all()
      assert.is_nil(list)
      assert.equal("protocol", err.kind)
      assert.matches("^list: the pages go in circles", err.message)
    end)
  end

  it("begin at the given page, and have pages of the given size", function()
    local client, model = started({ api = "v1" }, 5)
    local all = ids_of(client:list({ limit = 3 }):all())
    local query = model.requests[#model.requests].query
    assert.matches("limit=3", query)
    local page_id = query:match("page_id=([^&]*)"):gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
    local rest = client:list { limit = 3, page_id = page_id }
    assert.same({ all[4], all[5] }, ids_of(rest:all()))
    assert.equal(5, #client:list():all())
    assert.matches("limit=100", model.requests[#model.requests].query)
  end)

  it("never request more items than the service allows", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, model = started({ api = api }, 2)
      local all = client:list({ limit = 500 }):all()
      assert.equal(2, #all)
      assert.matches("limit=100", model.requests[#model.requests].query)
      assert.is_not_nil(client:events(all[1], { limit = 500 }):all())
      assert.matches("limit=100", model.requests[#model.requests].query)
    end
  end)

  it("are retried, and continue after an error", function()
    local client, _, transport = started({ api = "v1" }, 5)
    local list = client:list { limit = 2 }
    assert.equal(2, #list:page())
    transport.faults = { { point = "before", class = "connect", count = 2 } }
    assert.equal(2, #list:page())
    transport.faults = { { point = "before", class = "connect", count = 3 } }
    assert.equal("connect", select(2, list:page()).kind)
    assert.equal(1, #list:page())
    assert.is_nil(list:page())
  end)

  it("raise mistakes in the line of the caller", function()
    local client = in_process.simulated { api = "v1" }
    local good, message = pcall(function()
      client:list { titel__contains = "x" }
    end)
    assert.is_false(good)
    assert.matches("spec/api/client_collections_spec.lua:%d+: .*did you mean 'title__contains'", message)
  end)

  it("wait in a loop that yields", function()
    local model = simulator.model { api = "v1" }
    local transport = simulator.transport(model)
    local client = openhands.new { transport = transport, api_key = "any", api = "v1" }
    client._loop = yielding_loop(transport)
    local reader = coroutine.wrap(function()
      for i = 1, 3 do
        assert(client:start { initial_user_msg = "number " .. i })
      end
      model:advance(20)
      local list = client:list { limit = 2 }
      local count = #assert(list:page()) + #assert(list:page())
      return { count, #client:list({ limit = 1 }):all() }
    end)
    local waits, result = 0, reader()
    while result == "waiting" do
      waits, result = waits + 1, reader()
    end
    assert.same({ 3, 3 }, result)
    assert.equal(#model.requests, waits)
  end)
end)
