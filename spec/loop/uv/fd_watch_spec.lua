-- When the loop "uv" watches a client, and what it does when the descriptor cannot be watched.
local raw_server = require "spec.support.raw_server"
local simulator = require "openhands.simulator"
local uv = require "luv"
local canary = require "spec.support.canary"

describe("watching a client in luv's loop:", function()
  local server
  local pulse = uv.new_timer() -- no loop below is held up for ever

  setup(function()
    server = simulator.spawn { pace = 0.01 }
    pulse:start(10, 10, function() end)
  end)
  teardown(function()
    pulse:stop()
    server:close()
  end)
  before_each(function() server:reset() end)

  local function new_client(settings)
    local all = { loop = "uv", api = "v1" }
    for name, value in pairs(settings or {}) do all[name] = value end
    return canary.client(server, all)
  end

  describe("a descriptor that cannot be watched", function()
    local new_poll = uv.new_poll
    after_each(function() uv.new_poll = new_poll end)

    local function expect_polling(reason)
      local lines = {}
      local client = new_client { log = function(line) lines[#lines + 1] = line end }
      assert(client:me())
      local function ask() return client:me() end
      local one, other = client:spawn(ask), client:spawn(ask)
      assert.is_table(one:wait())
      assert.is_table(other:wait())
      client:close()
      local told = 0
      for _, line in ipairs(lines) do
        if line:find("cannot be watched", 1, true) then
          told = told + 1
          assert.is_truthy(line:find(reason, 1, true), line)
        end
      end
      assert.are.equal(1, told)
    end

    it("is polled when libuv refuses it", function()
      uv.new_poll = function() return nil, "EPERM: operation not permitted", "EPERM" end
      expect_polling "EPERM"
    end)

    it("is polled when the watcher cannot be started", function()
      uv.new_poll = function(...)
        local poll = new_poll(...)
        return { start = function() return nil, "EINVAL: invalid argument" end, close = function() poll:close() end }
      end
      expect_polling "EINVAL"
    end)

    it("is polled once libuv has reported an error", function()
      uv.new_poll = function(...)
        local poll = new_poll(...)
        return {
          start = function(_, events, callback)
            return poll:start(events, function()
              poll:stop() -- as libuv does
              callback "EBADF: bad file descriptor"
            end)
          end,
          stop = function() return poll:stop() end,
          close = function() poll:close() end,
          is_closing = function() return poll:is_closing() end,
        }
      end
      expect_polling "EBADF"
    end)

    it("is replaced by polling where the system has none", function()
      local lines = {}
      local client = new_client { log = function(line) lines[#lines + 1] = line end }
      local core = client._core
      client._core = setmetatable({ pollfd = function() return nil end }, {
        __index = function(_, name)
          return function(_, ...) return core[name](core, ...) end
        end,
      })
      local number = require("openhands.core").me(core, {}, { api = "v1" })
      local pending = { number = number }
      client._waiting[number] = pending
      for _ = 1, 100 do
        if pending.done then break end
        client:_await(pending)
      end
      assert.is_table(pending.value)
      client:close()
      assert.is_truthy(table.concat(lines, "\n"):find("cannot be watched (there is none)", 1, true))
    end)
  end)

  it("a client is watched only while something is in flight", function()
    local new_poll, polls = uv.new_poll, {}
    uv.new_poll = function(...)
      polls[#polls + 1] = assert(new_poll(...))
      return polls[#polls]
    end
    local client = new_client()
    for count = 1, 3 do
      assert(client:me())
      assert.are.equal(count, #polls)
      assert.is_true(polls[count]:is_closing())
    end
    server:faults { { point = "after_read", action = "hang", count = -1 } }
    local task = client:spawn(function() return client:me() end)
    for _ = 1, 1000 do
      if #polls == 4 then break end
      uv.run "once"
    end
    assert.is_false(polls[4]:is_closing())
    client:close()
    uv.new_poll = new_poll
    assert.is_true(polls[4]:is_closing())
    assert.are.equal("closed", select(2, task:wait()).kind)
  end)

  it("a client that nothing holds is collected when it is idle", function()
    local kept = setmetatable({}, { __mode = "v" })
    local function dropped(settings, use)
      local client = new_client(settings)
      use(client)
      kept.client = client
    end
    dropped({}, function(client) assert(client:me()) end)
    collectgarbage()
    collectgarbage()
    assert.is_nil(kept.client)

    local asking
    local silent = raw_server.new(function(_, connection) asking = connection end)
    dropped({ base_url = silent.address }, function(client)
      client:spawn(function() client:me() end)
      for _ = 1, 1000 do
        if asking then break end
        uv.run "once"
      end
    end)
    collectgarbage()
    collectgarbage()
    assert.is_table(kept.client)
    asking:write(raw_server.answer '{"id":"x"}') -- and not before: it has no time of its own to end in
    for _ = 1, 10000 do
      if not kept.client then break end
      uv.run "once"
      collectgarbage()
    end
    silent:close()
    assert.is_nil(kept.client)
  end)

  it("a task that nothing holds goes on", function()
    server:faults { { point = "after_read", action = "hang", count = -1 } }
    local ended = {}
    for _, loop in ipairs { "uv", "plain" } do
      local client = canary.client(server, { loop = loop, api = "v1" })
      client:spawn(function()
        local _, err = client:me { timeout = 0.05, retries = 0 }
        ended[loop] = err.kind
      end)
      for _ = 1, 1000 do
        if ended[loop] then break end
        client:sleep(0.001)
        collectgarbage()
      end
      client:close()
    end
    assert.are.same({ uv = "timeout", plain = "timeout" }, ended)
  end)
end)
