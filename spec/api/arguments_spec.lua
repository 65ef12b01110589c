-- What calls make of their arguments: what they are about, then fields, then options. A mistake of the caller's is
-- raised where it was made, and nothing is sent.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"

local HERE = "arguments_spec.lua"
local UNKNOWN = "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"

local function dashed(id)
  return (id:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$", "%1-%2-%3-%4-%5"))
end

describe("the arguments of a call", function()
  local client, model, conversation

  before_each(function()
    client, model = in_process.simulated { api = "v1" }
    conversation = assert(client:start { initial_user_msg = "x", repository = "acme/widgets" })
    model:advance(25)
    conversation = assert(client:status(conversation))
  end)

  local function raises(beginning, call)
    local sent, lines = #model.requests, debug.getinfo(call, "S")
    local good, message = pcall(call)
    assert.is_false(good)
    local file, line, words = message:match "^(.-):(%d+): openhands%.(.*)$"
    assert.matches(HERE, file, 1, true)
    assert.is_true(tonumber(line) >= lines.linedefined and tonumber(line) <= lines.lastlinedefined)
    assert.equal(beginning, words:sub(1, #beginning))
    assert.equal(sent, #model.requests)
  end

  describe("name what it is about", function()
    it("by an id in either spelling, or by the conversation", function()
      local id = conversation.conversation_id:gsub("-", "")
      for _, subject in ipairs { id, dashed(id), dashed(id):upper(), conversation } do
        assert.equal("number", type(client:event_count(subject)))
        assert.same({ "PLAN.md", "README.md" }, { client:files(subject)[2], client:files(subject)[3] })
        assert.equal(25, model:time())
        assert.is_true(client:agent(subject):event_count() > 0)
      end
    end)

    it("and raise an error when it is missing or something else", function()
      raises("event_count: needs a conversation or its id, not a nil", function() client:event_count() end)
      raises("send: needs a conversation or its id, not a number", function() client:send(7, "x") end)
      raises("files: needs a conversation or its id, not a table", function() client:files {} end)
      raises("agent: needs a conversation or its id, not a boolean", function() client:agent(true) end)
      raises("pause: not an id", function() client:pause "a/b" end)
      raises("resume: not an id", function() client:resume "" end)
      raises("download: needs a conversation", function() client:download(nil, "x") end)
      raises("sandboxes.pause: 'sandbox_id' is missing", function() client.sandboxes:pause() end)
      raises("sandboxes.pause: 'sandbox_id' must be", function() client.sandboxes:pause(7) end)
      raises("secrets.delete: 'name' cannot be '..'", function() client.secrets:delete ".." end)
    end)
  end)

  describe("have fields", function()
    it("in a table, or the first one that is needed alone", function()
      local PATH = "/workspace/project/PLAN.md"
      local text = assert(client:file(conversation, PATH))
      assert.equal(text, assert(client:file(conversation, { path = PATH })))
      assert(client:send(conversation, "One."))
      assert(client:send(conversation, { content = "Two.", run = false }))
      assert(client:send(conversation, { { type = "text", text = "Three." } }))
      local texts = {}
      for _, request in ipairs(model.requests) do
        texts[#texts + 1] = request.body and request.body:match '"text":"(%a+%.)"'
      end
      assert.same({ "One.", "Two.", "Three." }, texts)
    end)

    it("that may be a table of names and values by itself", function()
      local agent = client:agent(conversation)
      assert(agent:set_secrets { TOKEN = "a" })
      assert(agent:set_secrets { secrets = { TOKEN = "b", secrets = "c" } })
      local bodies = {}
      for _, request in ipairs(model.requests) do
        bodies[#bodies + 1] = request.path:find("/secrets$") and request.body
      end
      assert.equal('{"secrets":{"TOKEN":"a"}}', bodies[1])
      assert.matches('"secrets":"c"', bodies[2], 1, true)
    end)

    it("as each dialect needs them", function()
      assert(client:update(conversation, { public = true })) -- V0 needs a title for that
      local fresh = in_process.simulated { api = "v1" } -- which has not asked yet what it speaks to
      local _, err = fresh:update(UNKNOWN, { public = true })
      assert.equal("not_found", err.kind)
      local v0, v0_model = in_process.simulated { api = "v0" }
      local id = assert(v0:start { initial_user_msg = "x" }).conversation_id
      v0_model:advance(20)
      assert(v0:changes(id)) -- V1 needs a path for that
    end)

    it("and are not changed by the call", function()
      local filter = { title__contains = "x" }
      assert(client:list(filter):all())
      assert.same({ title__contains = "x" }, filter)
    end)

    it("and raise an error when they are misspelt or of the wrong type", function()
      raises("update: 'titel' is not a field of this call (did you mean 'title'?)", function()
        client:update(conversation, { titel = "x" })
      end)
      raises("list: 'title_contains' is not a field of this call (did you mean 'title__contains'?)", function()
        client:list { title_contains = "x" }
      end)
      raises("resume: 'sned' is not a field of this call (did you mean 'send'?)", function()
        client:resume(conversation, { sned = "x" })
      end)
      raises("send: 'content' must be", function() client:resume(conversation, { send = 7 }) end)
      raises("list: 'limit' must be", function() client:list { limit = "many" } end)
      raises("list: needs a table of fields, not a string", function() client:list "docs" end)
      raises("send: 'content' is missing", function() client:send(conversation) end)
      raises("git.branches: 'provider' must be", function() client.git:branches { provider = 7 } end)
      raises("secrets.create: 'value' is missing", function() client.secrets:create { name = "TOKEN" } end)
      raises("settings.update: 'settings' must be", function() client.settings:update "x" end)
      raises("info: takes at most 1 argument, not 2", function() client:agent(conversation):info({}, {}) end)
      raises("execute: 'comand' is not a field of this call (did you mean 'command'?)", function()
        client:agent(conversation):execute { comand = "x" }
      end)
    end)

    it("and raise an error before the dialect is asked for", function()
      client, model = in_process.simulated { api = "v1" }
      raises("update: 'titel' is not a field", function() client:update(UNKNOWN, { titel = "x" }) end)
      raises("list: 'limit' must be", function() client:list { limit = {} } end)
      raises("event_batch: 'event_id' is missing", function() client:event_batch(UNKNOWN) end)
    end)
  end)

  describe("have options", function()
    it("that are settings of this call", function()
      local _, err = client:credits { api = "v0" }
      assert.equal("unsupported", err.kind)
      assert(client.sandboxes:list(nil, { timeout = 5 }):all())
      assert(client:event_count(conversation, nil, { deadline = 5 }))
    end)

    it("and raise an error when they are unknown, or too many", function()
      raises("credits: unknown option 'tmeout'", function() client:credits { tmeout = 1 } end)
      raises("credits: options must be a table, not a number", function() client:credits(1) end)
      raises("me: takes at most 1 argument, not 2", function() client:me({}, {}) end)
      raises("send: takes at most 3 arguments, not 4", function() client:send(conversation, "x", {}, {}) end)
      raises("download: takes at most 3 arguments, not 4", function()
        client:download(conversation, "x", {}, {})
      end)
      raises("delete: 'base_url' belongs to a client", function()
        client:delete(conversation, { base_url = "http://127.0.0.1" })
      end)
      raises("secrets.list: unknown option 'on_progress'", function()
        client.secrets:list({}, { on_progress = print })
      end)
      raises("bash: 'interval' must be a number", function()
        client:agent(conversation):bash("x", { interval = "1" })
      end)
    end)
  end)

  describe("begin with the receiver", function()
    it("which a dot in place of the colon leaves out", function()
      raises("list: is a method: call client:list(...) with a colon", function() client.list {} end)
      raises("get: is a method: call client:get(...) with a colon", function() client.get(conversation) end)
      raises("agent: is a method", function() client.agent(conversation) end)
      raises("request: is a method", function() client.request { path = "/x" } end)
      raises("download: is a method", function() client.download(conversation, "x") end)
      raises("secrets.list: is a method: call client.secrets:list(...) with a colon", function()
        client.secrets.list {}
      end)
      raises("secrets.list: is a method", function() client.secrets.list() end)
      local agent = client:agent(conversation)
      for _, name in ipairs { "info", "execute", "bash", "upload", "download", "download_trajectory", "request" } do
        raises(name .. ": is a method: call agent:" .. name .. "(...) with a colon", function() agent[name]("/x") end)
      end
    end)

    it("which may not be closed", function()
      local agent = client:agent(conversation)
      client:close()
      raises("me: this client is closed", function() client:me() end)
      raises("secrets.list: this client is closed", function() client.secrets:list() end)
      raises("info: this client is closed", function() agent:info() end)
      raises("download: this client is closed", function() client:download(conversation, "x") end)
      raises("request: this client is closed", function() client:request { path = "/x" } end)
      raises("event_count: this client is closed", function() conversation:event_count() end)
    end)

    it("which is left out with the module's functions, and with those of a group", function()
      local clients = require "openhands.client"
      local new = clients.new
      clients.new = function() return client end
      assert.equal("number", type(openhands.event_count(conversation)))
      assert.same({}, openhands.secrets.list():all())
      clients.new = new
      raises("secrets.create: 'value' is missing", function() openhands.secrets.create { name = "TOKEN" } end)
      openhands.close()
    end)
  end)

  describe("are several at once", function()
    -- Requests for conversations, and how many ids each has.
    local function batches(path)
      local sizes = {}
      for _, request in ipairs(model.requests) do
        if request.path == (path or "/api/v1/app-conversations") and request.method == "GET" then
          sizes[#sizes + 1] = select(2, request.query:gsub("ids?=", ""))
        end
      end
      return sizes
    end

    local function ids(count)
      local list = {}
      for i = 1, count do
        list[i] = ("%032x"):format(i)
      end
      return list
    end

    before_each(function()
      for i = #model.requests, 1, -1 do
        model.requests[i] = nil
      end
    end)

    it("in as few requests as the service allows", function()
      for count, sizes in pairs { [0] = {}, [1] = { 1 }, [99] = { 99 }, [100] = { 99, 1 }, [250] = { 99, 99, 52 } } do
        for i = #model.requests, 1, -1 do
          model.requests[i] = nil
        end
        local asked = ids(count)
        if count > 0 then
          asked[count] = conversation -- the last one is known
        end
        local found = assert(client:get(asked))
        assert.same(sizes, batches())
        local id, known = next(found)
        if count > 0 then
          assert.equal(conversation.conversation_id, id)
          assertions.assert_conversation(known)
          assert.equal("running", known.state)
        end
        assert.is_nil(next(found, id))
      end
    end)

    it("the unknown ones are absent, wherever they stand", function()
      local other = assert(client:start { initial_user_msg = "y" })
      model:advance(20)
      local spelt = dashed(conversation.conversation_id:gsub("-", "")):upper()
      local found = assert(client:get { spelt, UNKNOWN, other, conversation })
      assert.is_nil(found[UNKNOWN])
      assert.equal("running", found[spelt].state) -- by the id as it was asked for
      assert.equal("running", found[conversation.conversation_id].state)
      assert.equal("running", found[other.conversation_id].state)
    end)

    it("one alone is a list too", function()
      assert.is_table(assert(client:get(conversation.conversation_id))[conversation.conversation_id])
      assert.is_table(assert(client:get(conversation))[conversation.conversation_id])
    end)

    it("on V0, one by one", function()
      client, model = in_process.simulated { api = "v0" }
      local first = assert(client:start { initial_user_msg = "x" })
      local second = assert(client:start { initial_user_msg = "y" })
      local found = assert(client:get { first, UNKNOWN, second.conversation_id })
      assertions.assert_conversation(found[first.conversation_id])
      assertions.assert_conversation(found[second.conversation_id])
      assert.is_nil(found[UNKNOWN])
      assert.same({}, assert(client:get {}))
    end)

    it("of events, sandboxes and what is shared", function()
      local known = assert(client:events(conversation):page())[1]
      local asked = ids(150)
      asked[120] = known.id
      local found = assert(client:event_batch(conversation, asked))
      assert.equal(known.id, found[known.id].id)
      assert.same({ 99, 51 }, batches(("/api/v1/conversation/%s/events"):format(conversation.conversation_id)))
      found = assert(client.sandboxes:get { conversation.sandbox_id, "unknown" })
      assert.equal("RUNNING", found[conversation.sandbox_id].status)
      assert.is_nil(found.unknown)
      assert.same({}, assert(client.sandboxes:get {}))
      found = assert(client:agent(conversation):get(ids(120)))
      assert.same({}, found)
    end)

    it("and raise an error for an invalid id among them", function()
      raises("get: the list of ids has nothing at place 2", function() client:get { UNKNOWN, nil, UNKNOWN } end)
      raises("get: needs a conversation or its id, not a userdata", function()
        client:get { UNKNOWN, openhands.null }
      end)
      raises("get: needs a conversation or its id, not a number", function() client:get { 7 } end)
      raises("get: needs a conversation or its id, not a nil", function() client:get() end)
      raises("get: the list of ids has nothing at place 1", function() client:get { id = UNKNOWN } end)
      raises("event_batch: 'event_id", function() client:event_batch(conversation, { "a", {} }) end)
    end)

    it("return the error when one of the requests fails", function()
      local transport
      client, model, transport = in_process.simulated({ api = "v1" }, { retries = 0 })
      assert(client:me())
      transport.faults = { { point = "before", class = "connect", skip = 1, match = { path = "app%-conversations" } } }
      local found, err = client:get(ids(150))
      assert.is_nil(found)
      assert.equal("connect", assertions.assert_error(err).kind)
      assert.equal("get", err.operation)
      assert.matches("^get: ", err.message)
    end)
  end)
end)
