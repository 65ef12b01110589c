-- A status over a real socket, whatever the answer is: the right conversation or an error of this library. It raises
-- nothing, and shows no words of the JSON library.
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local core = require "openhands.core"
local raw_client = require "spec.support.raw_client"
local simulator = require "openhands.simulator"
local status_service = require "spec.support.status_service"

describe("a status on the wire", function()
  local here

  setup(function() here = status_service.new() end)
  teardown(function() here.server:close() end)
  before_each(function() here.reset() end)
  after_each(function() here.disconnect() end)

  describe("cut into two pieces after any byte is the same:", function()
    -- Many at once: each write waits until the one before has been read.
    local function cut_everywhere(api, target)
      local conversation = here.settled(api)
      local id = conversation.conversation_id
      local bytes = raw_client.fetch(here.server, "GET " .. target:format(id)
        .. " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n")
      assert.is_truthy(bytes:find("^HTTP/1.1 200 OK"))
      local faults = {}
      for at = 1, #bytes - 1 do
        faults[at] = { point = "after_commit", action = "split", at = at }
      end
      here.server:faults(faults)
      local handle = core.new { base_url = here.server.address, api_key = canary.key }
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
      here.server:faults {}
      local whole = assert(here.client:status(conversation))
      expected = api == "v1" and expected[1] or expected
      for _, name in ipairs { "title", "created_at", "sandbox_status", "execution_status", "selected_repository" } do
        assert.are.equal(whole[name], expected[name])
      end
    end

    it("v0", function() cut_everywhere("v0", "/api/conversations/%s") end)
    it("v1", function() cut_everywhere("v1", "/api/v1/app-conversations?ids=%s") end)

    for _, api in ipairs { "v0", "v1" } do
      it(api .. ", every byte alone", function()
        local conversation = here.settled(api)
        local whole = assert(here.client:status(conversation))
        here.strike(api, { action = "split", at = "every" })
        assert.are.same(whole, assert(here.client:status(conversation)))
        here.strike(api, { action = "no_length" })
        assert.are.same(whole, assert(here.client:status(conversation)))
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
          local conversation = here.settled(api)
          local before = #here.requests(here.paths[api])
          local copy = {}
          for field, value in pairs(fault) do copy[field] = value end
          here.strike(api, copy)
          local answer, err = here.client:status(conversation)
          assert.is_nil(answer)
          assertions.assert_error(err)
          if kind then assert.are.equal(kind, err.kind) end
          assert.are.equal("status", err.operation)
          if count then assert.are.equal(count, #here.requests(here.paths[api]) - before) end
          -- The next one on the same client is right.
          here.server:faults {}
          assert.are.equal(conversation.conversation_id:gsub("-", ""),
            assert(here.client:status(conversation)).conversation_id:gsub("-", ""))
        end)
      end
    end

    it("null: V0 does not know the conversation", function()
      local conversation = here.settled("v0")
      here.strike("v0", { action = "null" })
      local answer, err = here.client:status(conversation)
      assert.is_nil(answer)
      assert.are.equal("not_found", assertions.assert_error(err).kind)
    end)

    it("null: no answer of V1", function()
      local conversation = here.settled("v1")
      here.strike("v1", { action = "null" })
      local answer, err = here.client:status(conversation)
      assert.is_nil(answer)
      assert.are.equal("protocol", assertions.assert_error(err).kind)
    end)

    it("another conversation than the one asked for", function()
      for _, api in ipairs { "v0", "v1" } do
        local conversation = here.settled(api)
        local field = api == "v1" and "1.id" or "conversation_id"
        here.strike(api, { action = "type", field = field, value = ("f"):rep(32) })
        local answer, err = here.client:status(conversation)
        assert.is_nil(answer)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        here.client:close()
        here.server:reset()
      end
    end)

    it("a body of exactly max_body bytes, and of one more", function()
      here.connect { api = "v0", max_body = 100000 }
      here.strike("v0", { action = "huge", bytes = 100000 })
      local _, err = here.client:status("a")
      assert.is_truthy(err.message:find("no usable field", 1, true))
      here.strike("v0", { action = "huge", bytes = 100001 })
      _, err = here.client:status("a")
      assert.is_truthy(err.message:find("larger than 100000 bytes (max_body)", 1, true))
    end)

    it("an unknown word: the state is unknown, and not settled", function()
      for _, case in ipairs {
        { "v0", "status", "HIBERNATING" }, { "v1", "1.execution_status", "daydreaming" },
        { "v1", "1.sandbox_status", "HIBERNATING" },
      } do
        local conversation = here.settled(case[1])
        if case[2] == "1.sandbox_status" then
          here.server:faults { {
            point = "after_commit", action = "status", status = 200, count = -1, match = { path = here.paths.v1 },
            body = ('[{"id":%q,"sandbox_status":"HIBERNATING","execution_status":null}]')
              :format(conversation.conversation_id),
          } }
        else
          here.strike(case[1], { action = "type", field = case[2], value = case[3] })
        end
        local answer = assert(here.client:status(conversation))
        assert.are.same({ "unknown", false }, { answer.state, answer.settled })
        here.client:close()
        here.server:reset()
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
      v0 = function(conversation) return here.client:status(conversation) end,
      task = function(conversation) return here.client:status(conversation) end,
      events = function(conversation) return here.client:wait(conversation, { interval = 0.001, timeout = 20 }) end,
      tasks = function(conversation)
        -- Another client does not know the start task.
        here.client:close()
        return here.connect({ api = "v1" }):status(conversation.conversation_id)
      end,
    }
    operations.v1 = operations.v0

    for shape, names in pairs(shapes) do
      for _, field in ipairs(names) do
        it(("%s: %s"):format(shape, field), function()
          for _, value in pairs(values) do
            for _, lasting in ipairs { 1, -1 } do
              if shape == "task" or shape == "tasks" then here.server:options { pace = 1000 } end
              local conversation = assert(here.connect({ api = shape == "v0" and "v0" or "v1" }):start(here.fields))
              if shape == "v1" then assert(here.client:status(conversation)) end
              here.strike(shape, { action = "type", field = field, value = value, count = lasting })
              survives(operations[shape], conversation)
              assert.is_true(#here.requests(here.paths[shape]) > 0)
              here.client:close()
              here.server:reset()
            end
          end
        end)
      end
    end

    for _, api in ipairs { "v0", "v1" } do
      it("the answer to a start: " .. api, function()
        for _, field in ipairs { "id", "conversation_id", "status", "detail", "app_conversation_id", "message" } do
          for _, value in pairs(values) do
            here.connect { api = api, retries = 0 }
            here.server:faults { { point = "after_commit", action = "type", field = field, value = value,
              match = { method = "POST" } } }
            survives(here.client.start, here.client, here.fields)
            assert.are.equal(1, here.server:jobs())
            here.client:close()
            here.server:reset()
          end
        end
      end)
    end
  end)
end)
