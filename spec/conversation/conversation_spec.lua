local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function status(api, body, settings)
  local all = { api = api, base_url = "https://service.example/" }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  local client = in_process.scripted(function()
    return in_process.json(body)
  end, all)
  return client:status(ID)
end

describe("a conversation", function()
  it("has the same fields in every dialect", function()
    local v0 = assert(status("v0", ([[{"conversation_id":"%s","status":"RUNNING","title":"T",
      "selected_repository":"a/b","git_provider":"github","pr_number":[7],
      "url":"https://runtime.example/x","session_api_key":"s"}]]):format(ID)))
    local v1 = assert(status("v1", ([=[[{"id":"%s","sandbox_status":"RUNNING","execution_status":"running","title":"T",
      "selected_repository":"a/b","git_provider":"github","pr_number":[7],
      "metrics":{"accumulated_cost":0.5}}]]=]):format(ID)))
    for _, conversation in ipairs { v0, v1 } do
      assert.equal(ID, conversation.conversation_id)
      assert.equal("RUNNING", conversation.status)
      assert.equal("running", conversation.state)
      assert.is_false(conversation.settled)
      assert.equal("https://service.example/conversations/" .. ID, conversation.url)
      assert.same({ "https://github.com/a/b/pull/7" }, conversation.pull_requests)
      assert.equal(('conversation %s running "T"'):format(ID), tostring(conversation))
    end
    assert.same({ "v0", "v1" }, { v0.api, v1.api })
    assert.equal("https://runtime.example/x", v0.runtime_url)
    assert.equal(0.5, v1.cost)
  end)

  it("has V0's words for V1's sandboxes, as the service maps them", function()
    local words = {
      RUNNING = "RUNNING", STARTING = "STARTING", PAUSED = "STOPPED", ERROR = "ERROR", MISSING = "ARCHIVED",
      NEWER = "NEWER",
    }
    for sandbox, word in pairs(words) do
      local conversation = assert(status("v1", ('[{"id":"%s","sandbox_status":"%s"}]'):format(ID, sandbox)))
      assert.equal(word, conversation.status)
    end
  end)

  it("shows its id as the caller spells it, and beside it what was received", function()
    local dashed = "7F3B9A1C-2D4E-4F60-A1B2-C3D4E5F60718"
    local conversation = assert(status("v1", ('[{"id":"%s","sandbox_status":"RUNNING"}]'):format(dashed)))
    assert.same({ ID, dashed }, { conversation.conversation_id, conversation.id })
  end)

  it("is an error when the answer is about another one, or about none", function()
    for _, body in ipairs {
      '[{"id":"00000000000000000000000000000000"}]',
      '[{"sandbox_status":"RUNNING"}]',
      '[{"id":7}]',
      '[{"id":{}}]',
    } do
      local conversation, err = status("v1", body)
      assert.is_nil(conversation)
      assert.equal("protocol", err.kind)
    end
    local conversation, err = status("v0", '{"conversation_id":"another"}')
    assert.is_nil(conversation)
    assert.equal("protocol", err.kind)
  end)

  it("is not found when the service answers null", function()
    local conversation, err = status("v0", "null")
    assert.is_nil(conversation)
    assert.equal("not_found", err.kind)
    assert.equal(ID, err.conversation_id)
  end)

  it("survives fields of every type", function()
    local fields = {
      "id", "sandbox_status", "execution_status", "title", "pr_number", "metrics", "git_provider",
      "selected_repository", "created_at", "url", "conversation_id", "status",
    }
    for _, field in ipairs(fields) do
      for _, odd in ipairs { "null", "0", '""', "[]", "{}", "true", "[[]]" } do
        local v1 = ('[{"id":"%s","sandbox_status":"RUNNING","%s":%s}]'):format(ID, field, odd)
        local v0 = ('{"conversation_id":"%s","status":"STOPPED","%s":%s}'):format(ID, field, odd)
        for api, body in pairs { v0 = v0, v1 = v1 } do
          local conversation, err = status(api, body)
          assert.is_true(conversation ~= nil or err.kind == "protocol", field .. " " .. odd)
          assert.equal("string", type(tostring(conversation or err)))
        end
      end
    end
  end)

  it("knows pull requests only where their pages are known", function()
    local function pages(provider)
      return assert(status("v1", ([=[[{"id":"%s","sandbox_status":"RUNNING","selected_repository":"a/b",
        "git_provider":%s,"pr_number":[1,"x",2]}]]=]):format(ID, provider))).pull_requests
    end
    local gitlab, bitbucket = "https://gitlab.com/a/b/-/merge_requests/", "https://bitbucket.org/a/b/pull-requests/"
    assert.same({ gitlab .. 1, gitlab .. 2 }, pages '"gitlab"')
    assert.same({ bitbucket .. 1, bitbucket .. 2 }, pages '"bitbucket"')
    assert.same({}, pages '"forgejo"')
    assert.same({}, pages "null")
  end)

  it("has methods that go through its client", function()
    local client = in_process.simulated()
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert.equal("starting", assert(conversation:refresh()).state)
    assert.equal("finished", assert(conversation:wait()).state)
  end)
end)
