-- How a conversation stands, over a real socket: whatever a server or somebody in between answers, the result is the
-- right conversation or an error of ours. No raised error, no words of the JSON library, no key.
local core = require "openhands.core"
local simulator = require "openhands.simulator"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local raw_client = require "spec.support.raw_client"

local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }
local paths = {
  v0 = "^/api/conversations/[^/]+$", v1 = "^/api/v1/app%-conversations$", task = "/start%-tasks$",
  tasks = "/start%-tasks/search$", events = "/events/search$",
}

describe("a status on the wire", function()
  local server, client

  setup(function() server = simulator.spawn { pace = 0 } end)
  teardown(function() server:close() end)
  before_each(function()
    server:reset()
    canary.forget_log()
  end)
  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function connect(settings)
    client = canary.client(server, settings)
    return client
  end

  -- A conversation at the end of its life: what the server says of it does not change any more.
  local function settled(api, settings)
    settings = settings or {}
    settings.api = api
    local conversation = assert(connect(settings):start(fields))
    if api == "v1" then assert(client:status(conversation)) end
    return conversation
  end

  local function strike(api, fault)
    fault.point, fault.count = fault.point or "after_commit", fault.count or -1
    if fault.point ~= "accept" and fault.point ~= "before_read" then
      fault.match = fault.match or { method = "GET", path = paths[api] }
    end
    server:faults { fault }
  end

  local function requests(path)
    local list = {}
    for _, request in ipairs(server:requests()) do
      if request.path:find(path) then list[#list + 1] = request end
    end
    return list
  end

  describe("cut into two pieces after any byte is the same:", function()
    -- Many at once: each write waits until the one before has been read.
    local function cut_everywhere(api, target)
      local conversation = settled(api)
      local id = conversation.conversation_id
      local bytes = raw_client.fetch(server, "GET " .. target:format(id)
        .. " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n")
      assert.is_truthy(bytes:find("^HTTP/1.1 200 OK"))
      local faults = {}
      for at = 1, #bytes - 1 do
        faults[at] = { point = "after_commit", action = "split", at = at }
      end
      server:faults(faults)
      local handle = core.new { base_url = server.address, api_key = canary.key }
      local answers, expected = 0, nil
      for _ = 1, #faults do assert(core.status(handle, id, { api = api, timeout = 60 })) end
      for _ = 1, 100000 do
        if answers == #faults then break end
        handle:step(1)
        local number, value, err = handle:next()
        while number do
          answers = answers + 1
          assert.is_nil(err)
          expected = expected or value
          assert.are.same(expected, value)
          number, value, err = handle:next()
        end
      end
      handle:close()
      assert.are.equal(#faults, answers)
      server:faults {}
      local whole = assert(client:status(conversation))
      expected = api == "v1" and expected[1] or expected
      for _, name in ipairs { "title", "created_at", "sandbox_status", "execution_status", "selected_repository" } do
        assert.are.equal(whole[name], expected[name])
      end
    end

    it("v0", function() cut_everywhere("v0", "/api/conversations/%s") end)
    it("v1", function() cut_everywhere("v1", "/api/v1/app-conversations?ids=%s") end)

    for _, api in ipairs { "v0", "v1" } do
      it(api .. ", every byte alone", function()
        local conversation = settled(api)
        local whole = assert(client:status(conversation))
        strike(api, { action = "split", at = "every" })
        assert.are.same(whole, assert(client:status(conversation)))
        strike(api, { action = "no_length" })
        assert.are.same(whole, assert(client:status(conversation)))
      end)
    end
  end)

  describe("answered with", function()
    local function raw(text) return { action = "raw", bytes = text } end
    local function ok(headers) return raw("HTTP/1.1 200 OK\r\n" .. headers .. "\r\n\r\n{}") end
    local function body(text, status)
      return { action = "status", status = status or 200, body = text }
    end

    -- name -> fault, kind, requests that it costs. false: a conversation, or an error of ours.
    local answers = {
      ["a web page"] = { { action = "html" }, "protocol", 1 },
      ["a web page for an error"] = { { action = "html", status = 502 }, "server", 3 },
      ["a page that says that it is JSON"] = { body("<html>hello</html>"), "protocol", 1 },
      ["204"] = { { action = "empty" }, "protocol", 1 },
      ["205"] = { { action = "empty", status = 205 }, "protocol", 1 },
      ["nothing, 200"] = { { action = "empty", status = 200 }, "protocol", 1 },
      ["blanks"] = { body(" \r\n\t "), "protocol", 1 },
      ["half a body, closed"] = { { point = "in_body", action = "close" }, "protocol", 3 },
      ["half a body, reset"] = { { point = "in_body", action = "reset" }, "protocol", 3 },
      ["half a chunked body"] = { { action = "truncate_chunked" }, "protocol", 3 },
      ["half a body without length"] = { { action = "no_length", bytes = 40 }, "protocol", 1 },
      ["half the headers, closed"] = { { point = "in_headers", action = "close" } },
      ["a closed connection"] = { { point = "after_read", action = "close" }, "connect" },
      ["a reset connection"] = { { point = "after_read", action = "reset" }, "connect" },
      ["a compressed body cut at once"] = { { action = "cut_gzip" }, "protocol" },
      ["a compressed body cut later"] = { { action = "cut_gzip", bytes = 40 }, "protocol" },
      ["too large a Content-Length"] = { { action = "wrong_length" }, "protocol", 3 },
      ["too small a Content-Length"] = { { action = "wrong_length", delta = -5 }, "protocol", 1 },
      ["JSON nested 5,000 deep"] = { { action = "deep", depth = 5000 }, "too_large", 1 },
      ["objects nested 5,000 deep"] = { body(('{"a":'):rep(5000) .. "1" .. ("}"):rep(5000)), "too_large", 1 },
      ["40 MB"] = { { action = "huge", bytes = 40000000 }, "too_large", 1 },
      ["40 MB that no length announces"] = { { action = "body_flood", bytes = 40000000 }, "too_large", 1 },
      ["endless headers"] = { { action = "headers_flood", bytes = 300000 }, "protocol", 1 },
      ["a header line above 100 KB"] = { ok("X: " .. ("x"):rep(120000)), "protocol", 1 },
      ["invalid UTF-8"] = { { action = "invalid_utf8" }, "protocol", 1 },
      ["a byte order mark"] = { body('\239\187\191{"conversation_id":"x"}'), "protocol", 1 },
      ["something after the JSON"] = { body('{"conversation_id":"x"} {}'), "protocol", 1 },
      ["NaN"] = { body('{"conversation_id":NaN}'), "protocol", 1 },
      ["a lone surrogate"] = { body('{"conversation_id":"\\ud800"}'), "protocol", 1 },
      ["a number"] = { body("7"), "protocol", 1 },
      ["a string"] = { body('"7"'), "protocol", 1 },
      ["true"] = { body("true"), "protocol", 1 },
      ["a list of lists"] = { body("[[[]]]"), "protocol", 1 },
      ["a list of numbers"] = { body("[1,2]"), "protocol", 1 },
      ["two lists"] = { body("[][]"), "protocol", 1 },
      ["an object without fields"] = { body("{}"), "protocol", 1 },
      ["garbage instead of a status line"] = { { action = "garbage" }, "protocol", 1 },
      ["another protocol's greeting"] = { { action = "garbage", line = "SSH-2.0-OpenSSH_9.2" }, "protocol", 1 },
      ["two status lines"] = { ok "HTTP/1.1 200 OK\r\nContent-Length: 2", "protocol", 1 },
      ["HTTP/9.9"] = { raw("HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "protocol", 1 },
      ["status 000"] = { raw("HTTP/1.1 000 What\r\nContent-Length: 2\r\n\r\n{}"), "protocol", 1 },
      ["status 999"] = { raw("HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\n{}"), "protocol", 1 },
      ["status 99999"] = { raw("HTTP/1.1 99999 What\r\nContent-Length: 2\r\n\r\n{}"), "protocol", 1 },
      ["101"] = { raw("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), "protocol" },
      ["a negative length"] = { ok "Content-Length: -2", "protocol", 1 },
      ["two lengths"] = { ok "Content-Length: 2\r\nContent-Length: 9", "protocol" },
      ["NUL in a header"] = { ok "X: a\0b\r\nContent-Length: 2", "protocol", 1 },
      ["bad chunks"] = { raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n"), "protocol" },
      ["an unknown coding"] = { ok "Content-Encoding: x\r\nContent-Length: 2", "protocol", 1 },
      ["400"] = { body({ detail = "no" }, 400), "invalid", 1 },
      ["402"] = { body({ detail = "no" }, 402), "permission", 1 },
      ["403"] = { body({ detail = "no" }, 403), "permission", 1 },
      ["404"] = { body({ detail = "no" }, 404), "not_found", 1 },
      ["405"] = { body({ detail = "no" }, 405), "protocol", 1 },
      ["408"] = { body({ detail = "no" }, 408), "timeout", 3 },
      ["409"] = { body({ detail = "no" }, 409), "conflict", 1 },
      ["410"] = { body({ detail = "no" }, 410), "not_found", 1 },
      ["422"] = {
        body({ detail = { { loc = { "query", "ids", 0 }, msg = "bad", input = { a = canary.key } } } }, 422), "invalid",
      },
      ["429"] = { body({ message = "Too many requests" }, 429), "throttled", 3 },
      ["500"] = { body("Internal Server Error", 500), "server", 3 },
      ["503"] = { body({ error = "no" }, 503), "server", 3 },
      ["599"] = { body("", 599), "server", 3 },
      ["304"] = { { action = "empty", status = 304 }, "protocol", 1 },
      ["300"] = { body({ detail = "choose" }, 300), "protocol", 1 },
    }

    for _, api in ipairs { "v0", "v1" } do
      for name, case in pairs(answers) do
        local fault, kind, count = case[1], case[2], case[3]
        it(("%s: %s"):format(name, api), function()
          local conversation = settled(api)
          local before = #requests(paths[api])
          local copy = {}
          for field, value in pairs(fault) do copy[field] = value end
          strike(api, copy)
          local answer, err = client:status(conversation)
          assert.is_nil(answer)
          assertions.assert_error(err)
          if kind then assert.are.equal(kind, err.kind) end
          assert.are.equal("status", err.operation)
          if count then assert.are.equal(count, #requests(paths[api]) - before) end
          -- The next one on the same client is right.
          server:faults {}
          assert.are.equal(conversation.conversation_id:gsub("-", ""),
            assert(client:status(conversation)).conversation_id:gsub("-", ""))
        end)
      end
    end

    it("null: V0 does not know the conversation", function()
      local conversation = settled("v0")
      strike("v0", { action = "null" })
      local answer, err = client:status(conversation)
      assert.is_nil(answer)
      assert.are.equal("not_found", assertions.assert_error(err).kind)
    end)

    it("null: no answer of V1", function()
      local conversation = settled("v1")
      strike("v1", { action = "null" })
      local answer, err = client:status(conversation)
      assert.is_nil(answer)
      assert.are.equal("protocol", assertions.assert_error(err).kind)
    end)

    it("another conversation than the one asked for", function()
      for _, api in ipairs { "v0", "v1" } do
        local conversation = settled(api)
        strike(api, { action = "type", field = api == "v1" and "1.id" or "conversation_id", value = ("f"):rep(32) })
        local answer, err = client:status(conversation)
        assert.is_nil(answer)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        client:close()
        server:reset()
      end
    end)

    it("a body of exactly max_body bytes, and of one more", function()
      connect { api = "v0", max_body = 100000 }
      strike("v0", { action = "huge", bytes = 100000 })
      local _, err = client:status("a")
      assert.is_truthy(err.message:find("no usable field", 1, true))
      strike("v0", { action = "huge", bytes = 100001 })
      _, err = client:status("a")
      assert.is_truthy(err.message:find("larger than 100000 bytes (max_body)", 1, true))
    end)

    it("an unknown word: the state is unknown, and not settled", function()
      for _, case in ipairs {
        { "v0", "status", "HIBERNATING" }, { "v1", "1.execution_status", "daydreaming" },
        { "v1", "1.sandbox_status", "HIBERNATING" },
      } do
        local conversation = settled(case[1])
        if case[2] == "1.sandbox_status" then
          server:faults { {
            point = "after_commit", action = "status", status = 200, count = -1, match = { path = paths.v1 },
            body = ('[{"id":%q,"sandbox_status":"HIBERNATING","execution_status":null}]')
              :format(conversation.conversation_id),
          } }
        else
          strike(case[1], { action = "type", field = case[2], value = case[3] })
        end
        local answer = assert(client:status(conversation))
        assert.are.same({ "unknown", false }, { answer.state, answer.settled })
        client:close()
        server:reset()
      end
    end)
  end)

  describe("with a field of another type", function()
    local values = {
      null = simulator.null, zero = 0, empty = "", list = simulator.array(), object = {}, ["true"] = true,
      number = 1e300, numbers = simulator.array { 1, "x", simulator.null }, text = "x\n\27[31m",
    }

    -- Whatever it is: a conversation, or an error of ours.
    local function survives(operate, ...)
      local good, conversation, err = pcall(operate, ...)
      if not good then error("raised: " .. tostring(conversation), 0) end
      if conversation then
        assertions.assert_conversation(conversation)
        for name, kind in pairs { cost = "number", answer = "string", detail = "string" } do
          local value = conversation[name]
          assert.is_true(value == nil or type(value) == kind, name .. ": " .. tostring(value))
        end
        assert.is_nil(tostring(conversation):find("%c"), "a control character in the text of a conversation")
        assert.is_nil(conversation.conversation_id:find("[^%w_-]"), "not an id: " .. conversation.conversation_id)
      else
        assertions.assert_error(err)
        assert.is_nil(tostring(err):find("%c"), "a control character in the text of an error")
      end
    end

    -- what the mutated answer belongs to -> its fields.
    local shapes = {
      v0 = { "conversation_id", "title", "status", "created_at", "last_updated_at", "selected_repository", "trigger",
        "runtime_status", "selected_branch", "git_provider", "url", "session_api_key", "pr_number" },
      v1 = { "1", "1.id", "1.title", "1.sandbox_id", "1.sandbox_status", "1.execution_status", "1.pr_number",
        "1.git_provider", "1.selected_repository", "1.metrics", "1.metrics.accumulated_cost", "1.created_at",
        "1.session_api_key", "1.conversation_url" },
      task = { "1", "1.id", "1.status", "1.detail", "1.app_conversation_id", "1.request", "1.sandbox_id",
        "1.agent_server_url", "1.created_at" },
      tasks = { "items", "items.1", "items.1.id", "items.1.status", "items.1.detail", "items.1.app_conversation_id",
        "items.1.request", "items.1.request.conversation_id", "next_page_id" },
      events = { "items", "items.1", "items.1.kind", "items.1.source", "items.1.action", "items.2.action",
        "items.2.action.kind", "items.2.action.message", "items.2.kind", "items.2", "next_page_id" },
    }

    local operations = {
      v0 = function(conversation) return client:status(conversation) end,
      task = function(conversation) return client:status(conversation) end,
      events = function(conversation) return client:wait(conversation, { interval = 0.001, timeout = 20 }) end,
      tasks = function(conversation)
        -- Another client does not know the start task.
        client:close()
        return connect({ api = "v1" }):status(conversation.conversation_id)
      end,
    }
    operations.v1 = operations.v0

    for shape, names in pairs(shapes) do
      for _, field in ipairs(names) do
        it(("%s: %s"):format(shape, field), function()
          for _, value in pairs(values) do
            for _, lasting in ipairs { 1, -1 } do
              if shape == "task" or shape == "tasks" then server:options { pace = 1000 } end
              local conversation = assert(connect({ api = shape == "v0" and "v0" or "v1" }):start(fields))
              if shape == "v1" then assert(client:status(conversation)) end
              strike(shape, { action = "type", field = field, value = value, count = lasting })
              survives(operations[shape], conversation)
              assert.is_true(#requests(paths[shape]) > 0)
              client:close()
              server:reset()
            end
          end
        end)
      end
    end

    for _, api in ipairs { "v0", "v1" } do
      it("the answer to a start: " .. api, function()
        for _, field in ipairs { "id", "conversation_id", "status", "detail", "app_conversation_id", "message" } do
          for _, value in pairs(values) do
            connect { api = api, retries = 0 }
            server:faults { { point = "after_commit", action = "type", field = field, value = value,
              match = { method = "POST" } } }
            survives(client.start, client, fields)
            assert.are.equal(1, server:jobs())
            client:close()
            server:reset()
          end
        end
      end)
    end
  end)

  describe("redirected", function()
    local other

    setup(function() other = simulator.spawn { pace = 0 } end)
    teardown(function() other:close() end)

    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      it(("with %d is an error, and the other server sees nothing"):format(status), function()
        for _, api in ipairs { "v0", "v1" } do
          local conversation = settled(api)
          strike(api, { point = "after_read", action = "redirect", status = status, location = other.address .. "/x" })
          local answer, err = client:status(conversation)
          assert.is_nil(answer)
          assert.are.same({ "protocol", status }, { assertions.assert_error(err).kind, err.status })
          assert.is_truthy(err.message:find("127.0.0.1", 1, true))
          strike(api, { point = "after_read", action = "redirect", status = status, location = other.address .. "/x",
            match = { method = "POST" } })
          answer, err = client:start(fields, { retries = 0 })
          assert.is_nil(answer)
          assert.are.equal(status == 303 and "ambiguous" or "protocol", assertions.assert_error(err).kind)
          client:close()
          server:reset()
        end
        connect()
        strike("v1", { point = "after_read", action = "redirect", status = status, location = other.address,
          match = { path = "users/me" } })
        local answer, err = client:status("a")
        assert.is_nil(answer)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        assert.are.equal(0, other:connections().accepted)
        assert.are.equal(0, #other:requests())
      end)
    end

    it("to a file or another protocol is an error too", function()
      for _, location in ipairs {
        "file:///etc/passwd", "gopher://127.0.0.1/", "//", "", "http://%%%", ("x"):rep(9000),
      } do
        local conversation = settled("v0")
        strike("v0", { action = "redirect", location = location })
        local _, err = client:status(conversation)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        client:close()
      end
    end)
  end)

  describe("for a wrong key", function()
    for _, form in ipairs { "credentials", "bearer", "expired", "auth", "detail", "string" } do
      it("is of kind authentication, in the form " .. form, function()
        server:options { keys = { "another" }, unauthorized = form }
        for _, api in ipairs { "auto", "v0", "v1" } do
          local answer, err = connect({ api = api }):status("0123456789abcdef0123456789abcdef")
          assert.is_nil(answer)
          assertions.assert_error(err)
          assert.are.same({ "authentication", 401, false }, { err.kind, err.status, err.retryable })
          client:close()
        end
        assert.are.equal(3, #server:requests())
      end)
    end
  end)

  describe("that fails", function()
    it("is sent three times, and succeeds at the third", function()
      for _, api in ipairs { "v0", "v1" } do
        local conversation = settled(api)
        local before = #requests(paths[api])
        strike(api, { action = "status", status = 503, count = 2 })
        assert(client:status(conversation))
        assert.are.equal(3, #requests(paths[api]) - before)
        client:close()
        server:reset()
      end
    end)

    it("is sent as often as the call says", function()
      local conversation = settled("v0")
      for _, retries in ipairs { 0, 1, 5 } do
        local before = #requests(paths.v0)
        strike("v0", { action = "status", status = 500 })
        local _, err = client:status(conversation, { retries = retries })
        assert.are.same({ "server", true }, { assertions.assert_error(err).kind, err.retryable })
        assert.are.equal(retries + 1, #requests(paths.v0) - before)
      end
    end)

    it("waits as long as the service asks", function()
      local conversation = settled("v0")
      strike("v0", { action = "status", status = 503, headers = { ["Retry-After"] = "0" }, count = 1 })
      assert(client:status(conversation))
      local list = requests(paths.v0)
      assert.are.equal(2, #list)
      assert.is_true(list[2].time - list[1].time >= 1) -- zero is taken for one
    end)

    it("is not repeated when the service asks for too long a wait", function()
      local wishes = { ["121"] = 121, ["99999999999999"] = 1e9, ["Fri, 31 Dec 2100 23:59:59 GMT"] = false }
      for text, seconds in pairs(wishes) do
        local conversation = settled("v0")
        local before = #requests(paths.v0)
        strike("v0", { action = "status", status = 429, body = {}, headers = { ["Retry-After"] = text } })
        local _, err = client:status(conversation)
        assert.are.equal("throttled", assertions.assert_error(err).kind)
        assert.are.equal(1, #requests(paths.v0) - before)
        assert.are.equal(seconds or err.retry_after, err.retry_after)
        assert.is_true(err.retry_after > 120)
        client:close()
      end
    end)

    it("ignores an unreadable Retry-After", function()
      local conversation = settled("v0")
      for _, text in ipairs {
        "-5", "1e9", "0x10", "soon", "1.5", "1 2", ("9"):rep(300), "Mon, 99 Foo 2026 99:99:99 GMT",
      } do
        strike("v0", { action = "status", status = 503, headers = { ["Retry-After"] = text }, count = 1 })
        local answer, err = client:status(conversation)
        assert.is_true(answer ~= nil or err.retry_after ~= nil)
      end
    end)

    it("ends in time when the server sends nothing, or single bytes", function()
      local conversation = settled("v0")
      strike("v0", { action = "hang" })
      local _, err = client:status(conversation, { timeout = 0.05, retries = 1 })
      assert.are.same({ "timeout", true }, { assertions.assert_error(err).kind, err.retryable })
      strike("v0", { action = "drip", seconds = 0.01 })
      _, err = client:status(conversation, { timeout = 10, deadline = 0.05 })
      assert.are.equal("timeout", assertions.assert_error(err).kind)
    end)

    it("without a server is of kind connect", function()
      local conversation = settled("v0")
      server:refuse()
      local _, err = client:status(conversation)
      assert.are.same({ "connect", true }, { assertions.assert_error(err).kind, err.retryable })
      server:refuse(false)
      assert(client:status(conversation))
    end)

    it("survives a connection that was closed while it was idle", function()
      local conversation = settled("v0")
      strike("v0", { action = "split", ending = "reset", count = 1 })
      assert(client:status(conversation, { retries = 0 }))
      assert(client:status(conversation, { retries = 1 }))
    end)
  end)

  describe("with secrets in it", function()
    local function shows_nothing(api, fault, secret)
      local conversation = settled(api, { retries = 0 })
      strike(api, fault)
      local answer, err = client:status(conversation)
      assert.is_nil(answer)
      assertions.assert_error(err)
      canary.assert_no_secret(err, secret)
      canary.assert_no_secret(client, secret)
      client:close()
      server:reset()
      return err
    end

    it("shows the key in none of the forms in which a server may echo it", function()
      local hex = canary.key:gsub(".", function(byte) return ("%%%02x"):format(byte:byte()) end)
      local escaped = canary.key:gsub("%l", function(byte) return ("\\u%04x"):format(byte:byte()) end, 3)
      for _, echo in ipairs { canary.key, "Bearer " .. canary.key, hex, "?key=" .. canary.key .. "&x", escaped } do
        for _, status in ipairs { 200, 400, 401, 403, 404, 422, 429, 500, 503 } do
          for _, api in ipairs { "v0", "v1" } do
            shows_nothing(api, { action = "status", status = status, body = ('{"detail":"no: %s"}'):format(echo) })
            shows_nothing(api, { action = "status", status = status, body = "<p>" .. echo .. "</p>" })
            shows_nothing(api, { action = "status", status = status, body = "text " .. echo })
          end
        end
      end
    end)

    it("shows no key in a status line, a header or an address", function()
      shows_nothing("v0", { action = "raw", bytes = "HTTP/1.1 999 " .. canary.key .. "\r\n\r\n" })
      shows_nothing("v0", { action = "raw", bytes = canary.key .. "\r\n\r\n" })
      shows_nothing("v0", { action = "redirect", location = "http://" .. canary.key .. ".example.com/" .. canary.key })
      shows_nothing("v0", { action = "status", status = 503, headers = { ["Retry-After"] = canary.key } })
    end)

    it("shows no session key and no token of an error", function()
      local secret = "session-canary-77"
      for _, echo in ipairs {
        { session_api_key = secret }, { sandbox = { session_api_key = secret } },
        { url = "https://host/?tkn=" .. secret .. "&folder=x" }, { secrets = { TOKEN = secret } },
        { headers = "Authorization: Bearer " .. secret },
      } do
        local err = shows_nothing("v1", { action = "status", status = 409, body = { detail = echo } }, secret)
        assert.are.equal("table", type(err.detail))
      end
    end)

    it("shows the session key of a running conversation in no text, and keeps it for the program", function()
      server:options { pace = 0.001, outcome = "waiting" }
      local conversation = settled("v1")
      conversation = assert(client:wait(conversation, { interval = 0.005, timeout = 20 }))
      assert.is_string(conversation.session_api_key)
      assert.is_nil(tostring(conversation):find(conversation.session_api_key, 1, true))
      canary.assert_no_secret({}, conversation.session_api_key)
    end)

    it("shows no key that is part of a title", function()
      local conversation = settled("v0")
      strike("v0", { action = "type", field = "title", value = "about " .. canary.key })
      assert.is_nil(tostring(assert(client:status(conversation))):find(canary.key, 1, true))
    end)
  end)
end)
