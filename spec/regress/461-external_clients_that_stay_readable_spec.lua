-- The descriptor of an `external` client stayed readable after an alarm was due, or after `outgoing` had taken the
-- exchange: a host that watched it was woken without end.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local uv = require "luv"

describe("the descriptor of an external client", function()
  local client, descriptor

  before_each(function()
    client = core_client.new()
    descriptor = client:pollfd() -- asked for once, as by hosts: each call would update it
  end)

  after_each(function()
    client:close()
  end)

  local function is_readable()
    local readable, poll = false, uv.new_poll(descriptor)
    poll:start("r", function()
      readable = true
    end)
    for _ = 1, 2 do -- an earlier user of the loop may have left a stop request in it
      uv.run "nowait"
    end
    poll:close()
    uv.run "nowait"
    return readable
  end

  local function submit()
    return assert(core.me(client, nil, { api = "v1" }))
  end

  it("is quiet once a step has ended its alarm", function()
    assert.is_false(is_readable())
    client:alarm(0)
    assert.is_true(is_readable())
    client:step(0)
    assert.is_false(is_readable())
  end)

  it("becomes readable when an alarm is due that was set before a step", function()
    client:alarm(0.01)
    local deadline = core.monotonic() + 20
    client:step(0)
    while not is_readable() and core.monotonic() < deadline do
      core.poll({}, 0.001)
    end
    assert.is_true(is_readable())
    assert.equal(0, client:timeout())
  end)

  it("is readable until the last exchange is taken to be carried", function()
    submit()
    submit()
    assert(client:outgoing())
    assert.is_true(is_readable())
    assert(client:outgoing())
    assert.is_false(is_readable())
  end)

  it("is readable again from the answer until it is taken", function()
    local number = submit()
    assert(client:outgoing())
    client:step(0)
    assert.is_false(is_readable())
    assert.is_true(client:answer(number, core_client.json '{"id":"x"}'))
    assert.is_true(is_readable())
    client:step(0)
    assert.is_true(is_readable())
    assert.equal(number, (client:next()))
    assert.is_false(is_readable())
  end)
end)
