-- The session keys in an answer become secrets of the client: the program may use them, no text may show them.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local raw_server = require "spec.support.raw_server"

local KEY = "session-canary-0123456789"
local LONG = ("z"):rep(600000) -- makes an answer so long that it is read in slices

describe("a session key in an answer", function()
  local client

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  local function is_known(key)
    return client:redact("the key " .. key):find(key, 1, true) == nil
  end

  local function answer(response)
    return core_client.answer(client, assert(core.request(client, { path = "/x" }, {})), response)
  end

  local function json(body, status)
    return answer(core_client.json(body, status))
  end

  for name, format in pairs {
    ["of an object"] = '{"session_api_key":"%s"}',
    ["with blanks"] = '{ "session_api_key" : \n "%s" }',
    ["in the depth"] = '[[{"a":{"sandbox":{"id":1,"session_api_key":"%s","z":null}}}]]',
    ["behind one that is null"] = '[{"session_api_key":null},{"session_api_key":"%s"}]',
    ["under an escaped name"] = '{"session\\u005fapi\\u005fkey":"%s"}',
  } do
    it(name .. " is known", function()
      assert.is_not_nil(json(format:format(KEY)))
      assert.is_true(is_known(KEY))
    end)

    it(name .. " is known from a long answer", function()
      assert.is_not_nil(json(('[%s,"%s"]'):format(format:format(KEY), LONG)))
      assert.is_true(is_known(KEY))
    end)

    it(name .. " is known from an error", function()
      local value, err = json(format:format(KEY), 500)
      assert.is_nil(value)
      assert.equal("table", type(err.detail))
      assert.is_true(is_known(KEY))
    end)
  end

  it("with escapes is known as the program gets it", function()
    assert.equal("ab/cd/ef/gh", json('{"session_api_key":"ab\\/cd\\u002fef/gh"}').session_api_key)
    assert.is_true(is_known "ab/cd/ef/gh")
  end)

  it("is known although the answer is no JSON", function()
    for _, rest in ipairs { "", LONG } do
      for place, body in ipairs {
        ('{"session_api_key":"%s%d","b":"%s"'):format(KEY, 1, rest),
        ('[{"a":"%s"},{"session_api_key": "%s%d"}'):format(rest, KEY, 2),
      } do
        local value, err = json(body)
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.is_true(is_known(KEY .. place), tostring(place))
        client:close()
        client = core_client.new()
      end
    end
  end)

  it("is known from a text", function()
    for _, rest in ipairs { "", LONG } do
      local body = ('log: {"session_api_key":"%s"} %s'):format(KEY, rest)
      assert.equal(body, answer { status = 200, body = body, content_type = "text/plain" })
      assert.is_true(is_known(KEY))
      client:close()
      client = core_client.new()
    end
  end)

  it("is known from an answer that is not decoded for the program", function()
    local number = assert(core.request(client, { path = "/x" }, { undecoded = true }))
    local body = ('{"session_api_key":"%s"}'):format(KEY)
    assert.equal(body, (core_client.answer(client, number, core_client.json(body))))
    assert.is_true(is_known(KEY))
  end)

  it("is known from an element of a stream before the stream ends", function()
    client:close()
    local connection
    local server = raw_server.new(function(_, asking)
      connection = asking
      return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    end)
    client = core.new { base_url = server.address, api_key = "some-other-key" }
    local number = assert(core.start_streaming(client, { initial_user_msg = "x" }, { api = "v1", timeout = 60 }))
    raw_server.turn(client, function() return connection ~= nil end)
    local element = ('[{"id":"a","session_api_key":"%s"}'):format(KEY)
    connection:write(("%x\r\n%s\r\n"):format(#element, element))
    raw_server.turn(client, function() return client:progress(number) == #element end)
    assert.equal(KEY, client:take(number).session_api_key)
    assert.is_true(is_known(KEY))
    server:close()
  end)

  it("is not taken from other places", function()
    local words = { "a text of some length", "first-in-a-list", "of-another-name", "under-a-longer-name", "short" }
    assert.is_not_nil(json(([[
      [{"session_api_key":7}, "%s", {"session_api_key":["%s"]}, {"session_api_keys":"%s","a_session_api_key":"%s",
      "session_api_key":"%s"}] ]]):format((table.unpack or unpack)(words))))
    for _, word in ipairs(words) do
      assert.equal("the key " .. word, client:redact("the key " .. word))
    end
  end)
end)
