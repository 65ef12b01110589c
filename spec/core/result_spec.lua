-- What an answer becomes: a value, or an error with its kind. The spec carries the exchanges by hand.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local json = core_client.json

-- What one answer becomes.
local function received(operation, api, answer)
  local client = core_client.new()
  local number = assert(core[operation](client, operation ~= "me" and ID or nil, { api = api }))
  client:outgoing()
  assert.is_true(client:answer(number, answer))
  local finished, value, err = client:next()
  assert.equal(number, finished)
  assert.is_nil((client:next()))
  client:close()
  return value, err
end

describe("an answer", function()
  it("has nulls left out of objects and kept in lists, and whole numbers as integers", function()
    local value = received("status", "v1", json '[{"id":"x","a":null,"n":7,"f":1.5,"l":[null,1],"o":{"b":null}},null]')
    assert.is_nil(value[1].a)
    assert.is_nil(value[1].o.b)
    assert.equal(core.null, value[1].l[1])
    assert.equal(core.null, value[2])
    assert.equal("7", tostring(value[1].n))
    assert.equal(1.5, value[1].f)
  end)

  it("keeps large numbers, and ids that are digits", function()
    local value = received("status", "v0", json '{"conversation_id":"00123","n":9007199254740991,"m":-3000000000}')
    assert.equal("00123", value.conversation_id)
    assert.equal(9007199254740991, value.n)
    assert.equal("-3000000000", ("%.0f"):format(value.m))
  end)

  it("is null for a conversation that V0 does not know", function()
    assert.equal(core.null, (received("status", "v0", json "null")))
  end)

  local unusable = {
    ["a page"] = { status = 200, body = "<!doctype html><html>", content_type = "text/html; charset=utf-8" },
    ["a page that says it is JSON"] = json "<html>",
    ["nothing"] = json "",
    ["no content"] = { status = 204 },
    ["cut JSON"] = json '[{"id":"x"',
    ["trailing bytes"] = json "[] x",
    ["another shape"] = json '{"items":[]}',
    ["a list of something else"] = json "[1]",
    ["a number"] = json "17",
    ["a string"] = json '"x"',
    ["bad UTF-8"] = json '["\255"]',
    ["a lone surrogate in UTF-8"] = json '["\237\160\128"]',
    ["a byte order mark"] = json "\239\187\191[]",
    ["NaN"] = json "[NaN]",
    ["a status that HTTP does not have"] = json("[]", 299 + 400),
    ["a redirect"] = json("", 302),
  }
  for name, answer in pairs(unusable) do
    it("is an error of kind protocol for " .. name, function()
      local value, err = received("status", "v1", answer)
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.is_false(err.retryable)
    end)
  end

  it("becomes an error of the kind that its status stands for", function()
    local kinds = {
      [400] = "invalid", [401] = "authentication", [402] = "permission", [403] = "permission", [404] = "not_found",
      [405] = "protocol", [408] = "timeout", [409] = "conflict", [410] = "not_found", [413] = "invalid",
      [422] = "invalid", [429] = "throttled", [451] = "invalid", [500] = "server", [502] = "server", [503] = "server",
      [301] = "protocol", [303] = "protocol", [307] = "protocol", [100] = "protocol",
    }
    for status, kind in pairs(kinds) do
      local value, err = received("status", "v1", json('{"detail":"words"}', status))
      assert.is_nil(value)
      assert.equal(kind, err.kind, tostring(status))
      assert.equal(status, err.status)
      assert.same({ detail = "words" }, err.detail)
      assert.equal(kind == "throttled" or kind == "server" or kind == "timeout", err.retryable)
    end
  end)

  it("to a start tells whether it was certainly not done", function()
    local function verdict(answer)
      local client = core_client.new()
      local number = core.start(client, { initial_user_msg = "x" }, { api = "v1" })
      client:outgoing()
      client:answer(number, answer)
      local _, _, err = client:next()
      client:close()
      return err.effect == "unknown" or err.effect == "done", err.retryable, err.effect
    end
    for _, status in ipairs { 400, 401, 403, 404, 405, 409, 413, 422, 429, 301, 302, 307, 308 } do
      assert.is_false((verdict(json("{}", status))), tostring(status))
    end
    for _, status in ipairs { 408, 500, 502, 503, 504, 303, 200, 201, 204, 100 } do
      local unclear, retryable = verdict(json("x", status))
      assert.is_true(unclear, tostring(status))
      assert.is_false(retryable, tostring(status))
    end
    for _, status in ipairs { 200, 201, 204 } do
      assert.equal("done", (select(3, verdict(json("x", status)))))
    end
    assert.equal("refused", (select(3, verdict(json("{}", 400)))))
    assert.equal("unknown", (select(3, verdict(json("{}", 500)))))
    for _, class in ipairs { "connect", "timeout", "tls", "cut", "else" } do
      assert.is_true((verdict { transport = class }), class)
      assert.is_false((verdict { transport = class, sent = false }), class)
    end
    assert.same({ false, true, "none" }, { verdict { transport = "connect", sent = false } })
    assert.same({ false, true, "refused" }, { verdict(json("{}", 429)) })
  end)

  it("tells the seconds of Retry-After", function()
    local function seconds(header)
      local _, err = received("status", "v1", { status = 429, body = "{}", retry_after = header })
      return err.retry_after
    end
    assert.equal(7, seconds "7")
    assert.equal(1, seconds "0")
    assert.equal(99999999, seconds "99999999")
    assert.equal(1e9, seconds "99999999999999999999")
    assert.equal(1, seconds "Sun, 06 Nov 1994 08:49:37 GMT")
    assert.equal(1e9, seconds "Sun, 06 Nov 2094 08:49:37 GMT")
    assert.equal(1, seconds "-5")
    assert.equal(1, seconds "-0")
    assert.equal(1000, seconds "1e3")
    assert.equal(1e9, seconds "1e999999999999")
    assert.equal(1, seconds "1e-999999999999")
    assert.equal(2.5, seconds "2.5")
    assert.equal(25, seconds "2.5E+1")
    assert.equal(7, seconds " 7")
    for _, junk in ipairs { "", "-", "e3", "1e", "1e+", "7 s", "0x10", "soon", "Sun, 99 Foo 1994 08:49:37 GMT" } do
      assert.is_nil(seconds(junk), junk)
    end
  end)

  it("is quoted in an error without the key", function()
    for _, echo in ipairs {
      canary.key,
      (canary.key:gsub("%-", "%%2D")),
      (canary.key:gsub("%-", "\\-")),
      "c2stY2FuYXJ5LTVmMmM5MWQ3ZTBh", -- base64 of most of it
    } do
      local _, err = received("status", "v1", { status = 500, body = "the key is " .. echo .. "!" })
      assert.equal("the key is [redacted]!", err.detail)
    end
  end)

  it("is quoted in an error up to 200 bytes, all of them printable", function()
    local _, err = received("status", "v1", { status = 500, body = "a\27[31m\0\n\255b" .. ("x"):rep(1000) })
    assert.is_true(#err.detail <= 200)
    assert.equal("a [31m ?bxxx", err.detail:sub(1, 12))
    assert.equal("x…", err.detail:sub(-4))
  end)

  it("larger than max_body is an error", function()
    local client = core_client.new { max_body = 10 }
    local number = core.me(client, nil, { api = "v1" })
    client:outgoing()
    client:answer(number, json '{"id":"0123456789"}')
    local _, value, err = client:next()
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.equal("its body is larger than 10 bytes (max_body)", err.reason)
    assert.is_false(err.retryable)
    number = core.me(client, nil, { api = "v1" })
    client:outgoing()
    client:answer(number, json('{"detail":"0123456789"}', 503))
    _, value, err = client:next()
    assert.is_nil(value)
    assert.equal("server", err.kind)
    client:close()
  end)
end)
