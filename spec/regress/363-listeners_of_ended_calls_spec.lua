-- A listener may raise an error, or wait while its call is ended. It must not block other starts of the conversation,
-- and must not be called again.

local openhands = require "openhands"
local simulator = require "openhands.simulator"

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- Returns a client, its model, and another client, which goes on when the first is closed.
local function started()
  local model = simulator.model()
  local settings = { transport = simulator.transport(model), api_key = "any", api = "v1" }
  local client, other = openhands.new(settings), openhands.new(settings)
  return client, model, other
end

describe("a listener", function()
  if not is_51 then -- which cannot yield inside pcall
    it("that raises does not block other starts of the same conversation", function()
      local client, model = started()
      local named = { initial_user_msg = "job", conversation_id = openhands.uuid() }
      client:spawn(function()
        assert.is_false((pcall(client.start, client, named, { on_progress = function() error "oops" end })))
        client:sleep(7200)
      end)
      client:sleep(1)
      local conversation = assert(client:start(named, { resume = true }))
      assert.is_true(model:time() < 60, model:time())
      assert.equal(named.conversation_id:gsub("-", ""), (conversation.conversation_id:gsub("-", "")))
      assert.equal(1, model:jobs())
    end)
  end

  for _, name in ipairs { "on_progress", "on_change" } do
    for _, ending in ipairs { "cancel", "close" } do
      it(("of %s is not called again when %s has ended its call, whose error has the id"):format(name,
        ending), function()
        local client, model, other = started()
        local told, fields, options = 0, { initial_user_msg = "job" }, {}
        local function listener()
          told = told + 1
          client:sleep(500)
        end
        if name == "on_progress" then fields.on_progress = listener else options.on_change = listener end
        local task = client:spawn(client.run, client, fields, options)
        other:sleep(100)
        assert.equal(1, told)
        if ending == "cancel" then task:cancel() else client:close() end
        local value, err = other:spawn(task.wait, task):wait()
        assert.is_nil(value)
        assert.equal(ending == "cancel" and "cancelled" or "closed", err.kind)
        assert.is_truthy(other:status(err.conversation_id))
        assert.equal(1, model:jobs())
        assert.equal(1, told)
      end)
    end
  end
end)
