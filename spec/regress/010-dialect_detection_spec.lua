-- With `api = "auto"`, the client chose the wrong dialect for a service, or kept a wrong choice although answers
-- contradicted it.

local in_process = require "spec.support.in_process"

local json = in_process.json

local ID = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
local PAGE = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<!doctype html>" }
local NO_PATH = json('{"detail":"Not Found"}', 404)
local NO_METHOD = json('{"detail":"Method Not Allowed"}', 405)
local BROKEN = { status = 500, headers = { { "Content-Type", "text/plain" } }, body = "Internal Server Error" }

local TASK = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}'
local LISTED = ('[{"id":%q,"sandbox_status":"RUNNING","execution_status":"finished"}]'):format(ID:gsub("-", ""))
local V0_STATUS = ('{"conversation_id":%q,"status":"STOPPED","created_at":"2020-01-01T00:00:00Z"}'):format(ID)

local v1_answers = {
  { "POST", "^/api/v1/app%-conversations$", TASK },
  { "GET", "^/api/v1/app%-conversations$", LISTED },
  { "GET", "^/api/v1/app%-conversations/search$", ('{"items":%s,"next_page_id":null}'):format(LISTED) },
  { "GET", "^/api/v1/conversation/[^/]+/events/search$",
    '{"items":[{"id":"e1","kind":"MessageEvent","source":"agent","timestamp":"2026-08-20T09:15:02",'
      .. '"llm_message":{"content":[{"type":"text","text":"Done."}]}}],"next_page_id":null}' },
  { "PATCH", "^/api/v1/app%-conversations/", '{"id":"7f3b9a1c2d4e4f60a1b2c3d4e5f60718","title":"New"}' },
}

local v0_answers = {
  { "POST", "^/api/conversations$", ('{"status":"ok","conversation_id":%q}'):format(ID) },
  { "GET", "^/api/conversations$", ('{"results":[%s],"next_page_id":null}'):format(V0_STATUS) },
  { "GET", "^/api/conversations/[^/]+$", V0_STATUS },
  { "GET", "^/api/conversations/[^/]+/events$",
    '{"events":[{"id":0,"source":"agent","action":"finish","args":{"final_thought":"Done."}}],"has_more":false}' },
  { "PATCH", "^/api/conversations/[^/]+$", "true" },
}

-- A server with the paths of one API; `missing` is what it says to another path, by method or for all.
local function server(me, answers, missing)
  return function(request)
    if request.path == "/api/v1/users/me" then
      return me
    end
    for _, each in ipairs(answers) do
      if request.method == each[1] and request.path:find(each[2]) then
        return json(each[3])
      end
    end
    return missing[request.method] or missing.GET
  end
end

local with_spa = { GET = PAGE, POST = NO_METHOD, PATCH = NO_METHOD, DELETE = NO_METHOD }
local without_spa = { GET = NO_PATH }

local function count(requests, method, pattern)
  local found = 0
  for _, request in ipairs(requests) do
    found = found + (request.method == method and request.path:find(pattern) and 1 or 0)
  end
  return found
end

local function questions(requests)
  return count(requests, "GET", "/users/me$")
end

local accounts = {
  ["a fresh self-hosted one"] = '{"language":null,"agent":null,"max_iterations":null,"email":null,"git_user_name":null,'
    .. '"v1_enabled":true,"agent_settings":{"llm":{"model":"m"}},"id":null}',
  ["nothing but nulls"] = '{"email" : null, "id":null}',
  ["what stands behind a text with braces"] = '{"motto":"\\"}{[","x":[{"y":{}}],"id":null}',
}

local no_accounts = {
  ["of a server that has V1 switched off"] = '{"language":"en","email":null,"v1_enabled":false}',
  ["of one that says nothing of V1's use"] = '{"language":"en","email":null,"v1_enabled":null}',
  ["with the names elsewhere"] = '{"error":{"id":1,"email":null},"text":"\\"id\\":null"}',
}

describe("a service is taken for", function()
  for name, account in pairs(accounts) do
    it("V1 by its account: " .. name, function()
      local client, requests = in_process.scripted(server(json(account), v1_answers, without_spa))
      assert.are.equal("v1", assert(client:start { initial_user_msg = "x" }).api)
      assert.are.same({ 1, 0 }, { questions(requests), count(requests, "POST", "^/api/conversations") })
    end)
  end

  for name, account in pairs(no_accounts) do
    it("V0 by an account " .. name, function()
      local both = {}
      for _, list in ipairs { v0_answers, v1_answers } do
        for _, each in ipairs(list) do
          both[#both + 1] = each
        end
      end
      local client, requests = in_process.scripted(server(json(account), both, without_spa))
      assert.are.equal("v0", assert(client:start { initial_user_msg = "x" }).api)
      assert.are.equal(0, count(requests, "POST", "/v1/"))
    end)
  end

  it("V0 where it lists conversations and fails at the account", function()
    local client, requests = in_process.scripted(server(BROKEN, v0_answers, with_spa))
    assert.are.equal("v0", assert(client:start { initial_user_msg = "x" }).api)
    assert.are.equal(3, #requests)
    assert.are.equal(0, client:_now())
  end)

  it("nothing while it only fails, and the error names the setting that helps", function()
    local me = BROKEN
    local answer = server(json "{}", v1_answers, with_spa)
    local client, requests = in_process.scripted(function(request)
      return request.path:find "/users/me$" and me or answer(request)
    end)
    local _, err = client:start { initial_user_msg = "x" }
    assert.are.same({ "server", 500, "start" }, { err.kind, err.status, err.operation })
    assert.is_truthy(err.message:find("give `api`", 1, true), err.message)
    assert.are.same({ 3, 0 }, { questions(requests), count(requests, "POST", "") })
    me = json(accounts["nothing but nulls"])
    assert.are.equal("v1", assert(client:start { initial_user_msg = "x" }).api)
  end)
end)

local calls = {
  start = function(client)
    return client:start { initial_user_msg = "x" }
  end,
  status = function(client)
    return client:status(ID)
  end,
  wait = function(client)
    return client:wait(ID)
  end,
  ["wait with an interval"] = function(client)
    return client:wait(ID, { interval = 0.1 })
  end,
  list = function(client)
    return client:list():page()
  end,
  events = function(client)
    return client:events(ID):next()
  end,
  answer = function(client)
    return client:answer(ID)
  end,
  update = function(client)
    return client:update(ID, { title = "New" })
  end,
  get = function(client)
    local found, err = client:get { ID }
    return found and found[ID], err
  end,
}

-- The account says V0, and the server is V1; and the other way round.
local mistakes = {
  v1 = { me = json "{}", answers = v1_answers, method = "/v1/" },
  v0 = { me = json(accounts["nothing but nulls"]), answers = v0_answers, method = "^/api/conversations" },
}

describe("a guess that an answer contradicts", function()
  for truth, mistake in pairs(mistakes) do
    for manner, missing in pairs { ["with web pages and 405"] = with_spa, ["with 404"] = without_spa } do
      for name, call in pairs(calls) do
        it(("is undone by %s: %s, %s"):format(name, truth, manner), function()
          local client, requests = in_process.scripted(server(mistake.me, mistake.answers, missing))
          local value, err = call(client)
          assert(value, tostring(err))
          assert.are.equal(1, questions(requests))
          local before = #requests
          assert(call(client))
          for i = before + 1, #requests do -- nothing is asked in the wrong dialect any more
            assert.is_truthy(requests[i].path:find(mistake.method), requests[i].path)
          end
        end)
      end
    end
  end

  it("repeats no request that may have had an effect", function()
    local client, requests = in_process.scripted(function(request)
      if request.method == "POST" then
        return PAGE
      end
      return server(json "{}", {}, with_spa)(request)
    end)
    local _, err = client:start { initial_user_msg = "x" }
    assert.are.same({ "ambiguous", 1 }, { err.kind, count(requests, "POST", "") })
  end)

  it("is undone in one call, and the next one asks for the dialect again", function()
    local me, answers = json "{}", v1_answers
    local client, requests = in_process.scripted(function(request)
      if request.method == "POST" and request.path == "/api/conversations" then
        return PAGE
      end
      return server(me, answers, with_spa)(request)
    end)
    assert.are.equal("ambiguous", select(2, client:start { initial_user_msg = "x" }).kind)
    me = json(accounts["nothing but nulls"])
    assert.are.equal("v1", assert(client:start { initial_user_msg = "x" }).api)
    assert.are.equal(2, questions(requests))
  end)

  it("is not replaced by the other dialect if that fits no better, and the error names the setting", function()
    local client, requests = in_process.scripted(server(json "{}", {}, with_spa))
    for asked = 1, 2 do
      local _, err = client:start { initial_user_msg = "x" }
      assert.are.same({ "protocol", 405 }, { err.kind, err.status })
      assert.is_truthy(err.message:find("give `api`", 1, true), err.message)
      assert.are.equal(asked, questions(requests))
    end
  end)

  it("is kept at a missing item once the service has answered in that dialect", function()
    local client, requests = in_process.scripted(function(request)
      if request.method == "PATCH" then
        return NO_PATH
      end
      return server(json(accounts["nothing but nulls"]), v1_answers, without_spa)(request)
    end)
    assert(client:status(ID))
    local other = "0" .. ID:sub(2)
    assert.are.equal("not_found", select(2, client:update(other, { title = "New" })).kind)
    assert.are.equal(0, count(requests, "PATCH", "^/api/conversations/"))
  end)

  it("is not made where the dialect was given", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, requests = in_process.scripted(server(json "{}", {}, with_spa), { api = api })
      client:start { initial_user_msg = "x" }
      client:status(ID)
      assert.are.equal(1, count(requests, "POST", ""))
      assert.are.equal(0, questions(requests))
    end
  end)
end)

describe("first calls at the same time", function()
  it("share one request for the dialect, and its failure", function()
    for _, me in ipairs { json(accounts["nothing but nulls"]), json('{"error":"NoCredentialsError"}', 401) } do
      local client, requests = in_process.scripted(server(me, v1_answers, with_spa))
      local list, kinds = {}, {}
      for i = 1, 20 do
        list[i] = function()
          local _, err = client:status(ID)
          kinds[i] = err and err.kind .. " " .. err.operation or "none"
          return true
        end
      end
      assert(client:all(list))
      assert.are.equal(1, questions(requests))
      for i = 1, 20 do
        assert.are.equal(me.status == 200 and "none" or "authentication status", kinds[i])
      end
    end
  end)

  it("ask for themselves where they have another key", function()
    local client, requests = in_process.scripted(function(request, number)
      return number == 1 and json("{}", 401)
        or server(json(accounts["nothing but nulls"]), v1_answers, with_spa)(request)
    end)
    local results = assert(client:all {
      function() return select(2, client:status(ID, { api_key = "bad" })).kind end,
      function() return client:status(ID, { api_key = "good" }).api end,
      function() return select(2, client:status(ID, { api_key = "bad" })).kind end,
    })
    assert.are.same({ "authentication", "v1", "authentication" }, results)
    assert.are.equal(2, questions(requests))
  end)

  it("continue when the call that asked is cancelled", function()
    local client = in_process.scripted(server(json(accounts["nothing but nulls"]), v1_answers, with_spa))
    local first = client:spawn(client.status, client, ID)
    local second = client:spawn(client.status, client, ID)
    first:cancel()
    assert.are.equal("v1", assert(second:wait()).api)
  end)
end)
