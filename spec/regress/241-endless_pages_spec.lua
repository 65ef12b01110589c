-- A list may have pages without end. A call that reads all pages must stop after a fixed number of pages or a fixed
-- time.

local in_process = require "spec.support.in_process"

local ID = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"

-- A service whose lists never end; each answer takes a while.
local function endless(seconds, settings)
  local count, client = 0, nil
  settings = settings or {}
  settings.api = settings.api or "v1"
  local made, requests = in_process.scripted(function(request)
    count = count + 1
    client._settings.transport.sleep(seconds)
    if request.method == "POST" then return { class = "cut", sent = true } end
    if request.path:find "/search$" then
      return in_process.json(('{"items":[{"id":"%032x","name":"n"}],"next_page_id":"%d"}'):format(count, count))
    end
    return in_process.json(request.path:find "/app%-conversations" and "[null]" or "[]")
  end, settings)
  client = made
  return client, requests
end

describe("a list without an end", function()
  local lists = {
    list = function(client) return client:list() end,
    ["secrets:list"] = function(client) return client.secrets:list() end,
    events = function(client) return client:events(ID) end,
  }
  for name, open in pairs(lists) do
    it("is read up to a thousand pages by all: " .. name, function()
      local client, requests = endless(0.01)
      local collection = assert(open(client))
      local all, err = collection:all()
      assert.is_nil(all)
      assert.same({ "too_large", true, 1000 }, { err.kind, err.retryable, #requests })
      assert.matches("page by page", err.message, 1, true)
      if name == "list" then
        all, err = collection:all() -- goes on, and has lost nothing
        assert.same({ "too_large", 2000 }, { err.kind, #requests })
        assert.is_nil(all)
        assert.is_table(collection:next())
      end
    end)

    it("is read for the time of a call by all: " .. name, function()
      local client, requests = endless(2, { deadline = 50 })
      local collection = assert(open(client))
      local _, err = collection:all()
      assert.equal("timeout", err.kind)
      assert.is_true(client:_now() <= 54 and #requests <= 27)
    end)
  end

  it("may be read item by item for as long as the caller likes", function()
    local client = endless(1, { deadline = 50 })
    local count = 0
    for _ in client:list() do
      count = count + 1
      if count == 1500 then break end
    end
    assert.equal(1500, count)
  end)

  it("is followed no longer than the caller's `timeout` and the time of one call", function()
    local client = endless(2, { deadline = 20 })
    local _, err = client:events(ID, { follow = true, timeout = 30 }):all()
    assert.equal("timeout", err.kind)
    assert.is_true(client:_now() <= 55, client:_now())
  end)
end)

describe("the search for a start among tasks without an end", function()
  it("is given up after a hundred pages", function()
    local client, requests = endless(0.01)
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.is_string(err.conversation_id)
    assert.is_true(#requests <= 105, #requests)
    local posts = 0
    for _, request in ipairs(requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(1, posts)
  end)

  it("is given up after a minute", function()
    local client, requests = endless(5)
    local _, err = client:start { initial_user_msg = "x" }
    assert.equal("ambiguous", err.kind)
    assert.is_true(client:_now() <= 90 and #requests <= 20, client:_now() .. " " .. #requests)
  end)

  it("is shorter for a status", function()
    local client, requests = endless(0.01)
    local _, err = client:status(ID)
    assert.equal("protocol", err.kind)
    assert.is_true(#requests <= 23, #requests)
  end)
end)
