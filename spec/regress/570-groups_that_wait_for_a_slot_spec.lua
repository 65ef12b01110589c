-- client:all lost the functions whose starts the service refused because too many conversations were running.
local core = require "openhands.core"
local in_process = require "spec.support.in_process"

local function group(count, run)
  local list = {}
  for place = 1, count do
    list[place] = function() return run(place) end
  end
  return list
end

-- Returns the starts that the service has answered, by status, and a client that notes them.
local function started()
  local client, model, transport = in_process.simulated { max_concurrent = 2, limit_mode = "refuse" }
  local seen, inner = {}, transport.request
  function transport.request(self, request)
    local answer = inner(self, request)
    if request.method == "POST" and request.path:find "conversations$" then
      seen[answer.status] = (seen[answer.status] or 0) + 1
    end
    return answer
  end
  return client, seen, model
end

local function finish(client, place)
  local done = assert(client:run { initial_user_msg = "Task " .. place })
  assert(client:pause(done))
  return done.state
end

describe("a group of starts beyond the account's limit", function()
  it("waits for a slot, in the order of its list", function()
    local client, seen, model = started()
    local results = assert(client:all(group(6, function(place) return finish(client, place) end)))
    assert.same({ "finished", "finished", "finished", "finished", "finished", "finished" }, results)
    assert.equal(6, seen[200])
    assert.is_true(seen[429] <= 8, seen[429]) -- 4 at first, and at most one for each function that has ended
    local order = {}
    for place, start in ipairs(model.starts) do order[place] = tonumber(start.body:match "Task (%d)") end
    assert.same({ 1, 2, 3, 4, 5, 6 }, order)
  end)

  it("waits for slots that others of the account have", function()
    local client, seen, model = started()
    local first = assert(client:start { initial_user_msg = "[simulate: waiting]" })
    local second = assert(client:start { initial_user_msg = "[simulate: waiting]" })
    local task = client:spawn(client.all, client, group(3, function(place) return finish(client, place) end))
    client:sleep(300)
    assert.is_false(task:done())
    assert.is_true(seen[429] < 20, seen[429]) -- of 3 starts in 300 s
    for _, other in ipairs { first, second } do
      model:pause(model:find(core.normalize_id(other.conversation_id)))
    end
    assert.same({ "finished", "finished", "finished" }, (assert(task:wait())))
  end)

  it("gives up after slot_timeout, or at once", function()
    local client, seen = started()
    assert(client:start { initial_user_msg = "[simulate: waiting]" })
    assert(client:start { initial_user_msg = "[simulate: waiting]" })
    for _, seconds in ipairs { 0, 100 } do
      local began = client:_now()
      local results, err = client:all(group(2, function(place)
        return client:start { initial_user_msg = "Task " .. place }
      end), { slot_timeout = seconds })
      assert.is_nil(results)
      assert.same({ "limit", "limit", "limit" }, { err.kind, err.errors[1].kind, err.errors[2].kind })
      assert.is_true(client:_now() - began <= seconds + 1)
    end
    assert.equal(2, seen[200])
    assert.has_error(function() client:all({}, { slot_timeout = -1 }) end)
  end)

  it("can be cancelled while it waits, and others go on", function()
    local client, seen, model = started()
    local first = assert(client:start { initial_user_msg = "[simulate: waiting]" })
    assert(client:start { initial_user_msg = "[simulate: waiting]" })
    local cancelled = client:spawn(client.all, client, group(2, function(place) return finish(client, place) end))
    local other = client:spawn(client.all, client, group(1, function(place) return finish(client, place) end))
    client:sleep(1)
    cancelled:cancel()
    local _, err = cancelled:wait()
    assert.equal("cancelled", err.kind)
    model:pause(model:find(core.normalize_id(first.conversation_id)))
    assert.same({ "finished" }, (assert(other:wait())))
    assert.equal(3, seen[200])
  end)

  it("also waits in a task that one of its functions has made", function()
    local client = started()
    local results = assert(client:all(group(4, function(place)
      return client:spawn(finish, client, place):wait()
    end)))
    assert.same({ "finished", "finished", "finished", "finished" }, results)
  end)

  it("ends its waits when the client is closed", function()
    local client = started()
    assert(client:start { initial_user_msg = "[simulate: waiting]" })
    assert(client:start { initial_user_msg = "[simulate: waiting]" })
    local err
    local task = client:spawn(client.all, client, group(1, function(place)
      local _, problem = client:start { initial_user_msg = "Task " .. place }
      err = problem
    end))
    client:sleep(1)
    client:close()
    task:wait()
    assert.same({ "closed", "none" }, { err.kind, err.effect })
  end)
end)
