-- When it is unclear whether a start happened, the client must search for it soon, not too often, and on every page of
-- the recent starts.

local in_process = require "spec.support.in_process"

local ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"
local TASK = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING","request":{"conversation_id":"%s"}}'

-- A service that loses the answer to a start and shows it in its start tasks when `shows` says so. `pages`: number of
-- empty pages before it.
local function unclear(settings, shows, pages)
  local at = { posts = 0, looks = 0, last_page = 0 }
  at.client = in_process.scripted(function(request)
    if request.method == "POST" then
      at.posts, at.id = at.posts + 1, request.body:match '"conversation_id":"([^"]+)"'
      return { class = "cut", sent = true }
    elseif not request.path:find "start%-tasks" then
      return in_process.json("[null]")
    end
    local page = tonumber((request.query or ""):match "page_id=(%d+)") or 1
    at.last_page = math.max(at.last_page, page)
    at.looks = at.looks + (page == 1 and 1 or 0)
    if page <= (pages or 0) then return in_process.json(('{"items":[],"next_page_id":"%d"}'):format(page + 1)) end
    return in_process.json(shows(at.client) and '{"items":[' .. TASK:format(at.id) .. "]}" or '{"items":[]}')
  end, settings)
  return at
end

describe("a start of which it is unclear whether it happened", function()
  it("is found soon after it is shown, even if that takes long", function()
    local at = unclear({ api = "v1", grace = 3600, deadline = 7200 }, function(client) return client:_now() >= 700 end)
    assert(at.client:start { initial_user_msg = "x" })
    assert.equal(1, at.posts)
    assert.is_true(at.client:_now() <= 712, at.client:_now())
  end)

  it("is looked for at once, then less and less often", function()
    local at = unclear({ api = "v1", retries = 0 }, function() return false end)
    assert.equal("ambiguous", select(2, at.client:start { initial_user_msg = "x" }).kind)
    assert.is_true(at.looks >= 8 and at.looks <= 14, at.looks)
    at = unclear({ api = "v1" }, function(client) return client:_now() >= 1 end)
    assert(at.client:start { initial_user_msg = "x" })
    assert.is_true(at.client:_now() < 3, at.client:_now())
  end)

  it("is found behind many pages of other starts", function()
    local at = unclear({ api = "v1" }, function() return true end, 60)
    assert(at.client:start { initial_user_msg = "x" })
    assert.equal(1, at.posts)
  end)

  it("is not taken for absent when there are more pages than can be read", function()
    local at = unclear({ api = "v1" }, function() return true end, 1e6)
    assert.equal("ambiguous", select(2, at.client:start { initial_user_msg = "x" }).kind)
    assert.equal(1, at.posts)
    assert.is_true(at.last_page <= 100)
  end)

  it("is not looked for in the same page again and again", function()
    local pages, posts = 0, 0
    local client = in_process.scripted(function(request)
      if request.method == "POST" then
        posts = posts + 1
        return { class = "cut", sent = true }
      elseif not request.path:find "start%-tasks" then
        return in_process.json("[null]")
      end
      pages = pages + 1
      assert.matches("limit=100", request.query)
      return in_process.json('{"items":[],"next_page_id":"7"}')
    end, { api = "v1" })
    local _, err = client:start { initial_user_msg = "x" }
    assert.equal("ambiguous", err.kind)
    assert.matches("next_page_id", tostring(err))
    assert.equal(1, posts)
    assert.is_true(pages <= 60, pages)
  end)

  it("is not sent again if a task without an id has the same prompt, unless other tasks have ids", function()
    local anonymous = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING","request":{"initial_message":'
      .. '{"content":[{"type":"text","text":"x"}]}}}'
    for others, expected in pairs { [""] = 1, ["," .. TASK:format(ID)] = 3 } do
      local posts = 0
      local client = in_process.scripted(function(request)
        if request.method == "POST" then
          posts = posts + 1
          return { class = "cut", sent = true }
        elseif not request.path:find "start%-tasks" then
          return in_process.json("[null]")
        end
        return in_process.json('{"items":[' .. anonymous .. others .. "]}")
      end, { api = "v1" })
      local _, err = client:start { initial_user_msg = "x" }
      assert.equal("ambiguous", err.kind)
      assert.equal(expected, posts)
    end
  end)

  it("does not hold up another start of the same id when its listener has raised an error", function()
    local client, model = in_process.simulated { api = "v1", pace = 0 }
    local fields = { initial_user_msg = "x", conversation_id = ID }
    local thrown = client:spawn(client.start, client, fields, { on_progress = function() error "of its own" end })
    local second = client:spawn(client.start, client, fields)
    assert(second:wait())
    assert.equal("raised", select(2, thrown:wait()).kind)
    assert.is_true(model:time() <= 2, model:time())
    assert.equal(1, #model.starts)
  end)
end)
