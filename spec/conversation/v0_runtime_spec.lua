-- What V0 leaves to the runtime of a conversation: files, git, words to the agent. It is spoken to directly where the
-- service says where it is, and through the service where that serves its conversations itself.

local canary = require "spec.support.canary"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"
local files = require "spec.support.files"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("the runtime of a V0 conversation", function()
  local client, model, transport, id

  before_each(function()
    client, model, transport = in_process.simulated { api = "v0" }
    id = assert(client:start { initial_user_msg = "Fix it.", repository = "acme/widgets" }).conversation_id
  end)

  after_each(function()
    canary.assert_keys_apart(model)
  end)

  local function sent(pattern)
    local found = {}
    for _, request in ipairs(model.requests) do
      found[#found + 1] = request.path:find(pattern) and request or nil
    end
    return found
  end

  local function refused(kind, value, err)
    assert.is_nil(value)
    assert.equal(kind, assertions.assert_error(err).kind)
    assert.equal(id, err.conversation_id)
    return err
  end

  it("is spoken to directly, with its own key", function()
    model:advance(25)
    assert.equal("# Widgets\nA library for widgets.\n", assert(client:file(id, "README.md")))
    local requests = sent "/select%-file$"
    assert.equal(1, #requests)
    assert.matches("^/runtime/", requests[1].path)
    assert.matches("^SIMULATED%-runtime%-key", requests[1].headers["x-session-api-key"])
    assert.is_nil(requests[1].headers.authorization)
  end)

  it("is asked for once", function()
    model:advance(25)
    assert(client:files(id))
    local looks = #sent "^/api/"
    assert(client:changes(id))
    assert(client:vscode_url(id))
    assert.equal(looks, #sent "^/api/")
  end)

  it("takes files, and gives them back", function()
    model:advance(25)
    local answer = assert(client:upload(id, { ["notes.txt"] = "one\r\ntwo", [".hidden"] = "x" }))
    assert.equal(1, #answer.uploaded_files)
    assert.equal(".hidden", answer.skipped_files[1].name)
    assert.equal("one\r\ntwo", assert(client:file(id, "notes.txt")))
    assert(client:upload(id, { files = { ["more.bin"] = "\0\255" } }))
    local names = {}
    for _, name in ipairs(assert(client:files(id))) do
      names[name] = true
    end
    assert.is_true(names["notes.txt"] and names["more.bin"])
    local _, err = client:file(id, "more.bin")
    assert.equal(415, err.status)
  end)

  it("gives all of its files as one", function()
    model:advance(25)
    local target = os.tmpname()
    local file = assert(client:download_workspace(id, target))
    assert.equal("PK", files.read(target):sub(1, 2))
    assert.equal(#files.read(target), file.bytes)
    os.remove(target)
  end)

  it("hears messages and actions", function()
    model:advance(25)
    assert(client:send(id, "Go on."))
    assert(client:add_event(id, { action = "message", args = { content = "And on." } }))
    local said = {}
    for _, event in ipairs(assert(client:events(id):all())) do
      said[#said + 1] = event.source == "user" and event.message or nil
    end
    assert.same({ "Fix it.", "Go on.", "And on." }, said)
    assert(client:add_event(id, { action = "change_agent_state", args = { agent_state = "paused" } }))
    assert.equal("paused", assert(client:wait(id)).state)
  end)

  it("is not there while the conversation starts, and nothing is sent in its place", function()
    for _, try in ipairs {
      function() return client:send(id, "x") end,
      function() return client:upload(id, { a = "x" }) end,
      function() return client:add_event(id, { action = "message" }) end,
    } do
      local err = refused("conflict", try())
      assert.matches("is starting and its server does not run yet", err.message, 1, true)
    end
    assert.equal(0, #sent "/message$" + #sent "/upload%-files$")
    refused("conflict", client:files(id))
    model:advance(25)
    assert(client:files(id)) -- found as soon as it is there
    assert(client:send(id, "x"))
  end)

  it("is not there after a stop; what the service has stored is", function()
    model:advance(25)
    assert(client:files(id))
    assert(client:stop(id))
    local err = refused("conflict", client:files(id))
    assert.matches("is stopped and its server does not run; call start_again first", err.message, 1, true)
    refused("conflict", client:send(id, "x"))
    assert.equal(0, #sent "/message$")
    assert.is_true(#assert(client:events(id):all()) > 0)
    assert(client:start_again(id))
    model:advance(20)
    assert(client:files(id))
  end)

  it("has another key when it wakes, and is found again", function()
    model:advance(25)
    assert(client:files(id))
    local other = assert(client:status(id)).session_api_key
    model:find(id).session_number = 2 -- as if somebody else had stopped it, and started it again
    assert(client:send(id, "Once."))
    assert.are_not.equal(other, assert(client:status(id)).session_api_key)
    local requests = sent "/message$"
    assert.equal(2, #requests)
    model:find(id).session_number = 3
    assert(client:files(id))
  end)

  it("that stops without a word is a conflict for who reads, and unclear for who has sent something", function()
    model:advance(25)
    assert(client:files(id))
    model:schedule(model:find(id), { { 0, { status = "STOPPED" } } })
    refused("conflict", client:files(id))
    assert(client:status(id))
    model:schedule(model:find(id), { { 0, { status = "RUNNING" } } })
    assert(client:files(id))
    transport.faults = { { point = "after_commit", class = "timeout", match = { path = "/message$" } } }
    refused("ambiguous", client:send(id, "Once."))
    assert.equal(1, #sent "/message$")
  end)

  describe("is the service itself", function()
    -- A service without runtimes of their own. Returns its client and the list of what it was asked.
    local function serve(url, status)
      local asked = {}
      return in_process.scripted(function(request)
        asked[#asked + 1] = request.method .. " " .. request.path
        assert.is_nil(request.headers["x-session-api-key"])
        assert.is_string(request.headers.authorization)
        if request.path:find "/list%-files$" then
          return in_process.json '["a.txt"]'
        elseif request.path:find "/message$" then
          return in_process.json '{"success":true}'
        end
        return in_process.json(('{"conversation_id":"%s","status":"%s","url":%s}'):format(ID, status or "RUNNING", url))
      end, { api = "v0" }), asked
    end

    it("where it says so by a path", function()
      local own, asked = serve(('"/api/conversations/%s"'):format(ID))
      assert.same({ "a.txt" }, assert(own:files(ID)))
      assert(own:send(ID, "x"))
      local path = "/api/conversations/" .. ID
      assert.same({ "GET " .. path, "GET " .. path .. "/list-files", "POST " .. path .. "/message" }, asked)
    end)

    it("where it says nothing, and the conversation runs", function()
      local own = serve "null"
      assert.same({ "a.txt" }, assert(own:files(ID)))
      assert(own:send(ID, "x"))
    end)

    it("not for messages to what does not run", function()
      local own, asked = serve("null", "STOPPED")
      assert.same({ "a.txt" }, assert(own:files(ID)))
      local _, err = own:send(ID, "x")
      assert.equal("conflict", err.kind)
      assert.is_nil(table.concat(asked, "\n"):find("/message", 1, true))
    end)
  end)
end)
