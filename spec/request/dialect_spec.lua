-- The dialect of a service: found out by one request for the account, which changes nothing, and remembered.

local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local ACCOUNT = '{"id":"5a0c1d7e","email":"dev@example.com"}'

local function paths(requests)
  local list = {}
  for i, request in ipairs(requests) do
    list[i] = request.method .. " " .. request.path
  end
  return list
end

describe("the dialect", function()
  it("is V1 where the account answers, and is asked for once", function()
    local client, requests = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)))
    client:status(ID)
    client:status(ID)
    local asked = 0
    for _, path in ipairs(paths(requests)) do
      asked = asked + (path == "GET /api/v1/users/me" and 1 or 0)
    end
    assert.equal(1, asked)
    assert.equal("GET /api/v1/app-conversations", paths(requests)[2])
  end)

  local others = {
    ["a web page"] = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<!doctype html>" },
    ["404"] = in_process.json('{"detail":"Not Found"}', 404),
    ["other JSON"] = in_process.json '{"hello":"world"}',
    ["a list"] = in_process.json "[]",
    ["null"] = in_process.json "null",
    ["405"] = in_process.json('{"detail":"Method Not Allowed"}', 405),
  }
  for name, me in pairs(others) do
    it("is V0 where the account answers " .. name, function()
      local client, requests = in_process.scripted(in_process.with_account(me))
      client:status(ID)
      assert.equal("GET /api/conversations/" .. ID, paths(requests)[2])
    end)
  end

  local undecided = {
    authentication = in_process.json('{"error":"NoCredentialsError"}', 401),
    permission = in_process.json('{"detail":"no"}', 403),
    throttled = in_process.json('{"message":"Too many requests"}', 429),
    server = in_process.json("{}", 502),
    connect = { class = "connect", sent = false },
    timeout = { class = "timeout" },
    tls = { class = "tls", sent = false },
    protocol = in_process.json("", 302),
  }
  for kind, me in pairs(undecided) do
    it("stays undecided after an error of kind " .. kind, function()
      local answer = me
      local client, requests = in_process.scripted(function(request)
        return in_process.with_account(answer)(request)
      end)
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal(kind, err.kind)
      for _, path in ipairs(paths(requests)) do
        assert.equal("GET /api/v1/users/me", path) -- no POST was ever sent to find out
      end
      answer = in_process.json(ACCOUNT)
      local _, later = client:status(ID)
      assert.equal("not_found", later.kind)
    end)
  end

  it("is as set, without a request for it", function()
    local client, requests = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)), { api = "v0" })
    client:status(ID)
    assert.same({ "GET /api/conversations/" .. ID }, paths(requests))
    client:status(ID, { api = "v1" })
    assert.equal("GET /api/v1/app-conversations", paths(requests)[2])
  end)
end)
