-- A list that is read while it arrives: each element once, at its closing brace, however the bytes come.

local cjson = require "cjson"
local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"
local canary = require "spec.support.canary"

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
local FIELDS = { initial_user_msg = "x" }

-- As the service streams it: a bracket and a line, elements with commas and lines between, a bracket.
local TEXTS = {
  [=[{"id":"a","status":"WORKING","detail":null}]=],
  [=[{"id":"b","text":"brace } and { and ] [ and , and \" and \\"}]=],
  [=[ {"id":"c","nested":[[{"x":[]}],{"y":{"z":[1,{}]}}],"escaped":"\u007d\\\\\"]"}]=],
  "{}",
  [=[{"id":"d","text":"ü 🙂","empty":"","list":["}",{"]":"["}]}]=],
}
local SAMPLE = "[\n" .. table.concat(TEXTS, ",\n") .. "\n]"

local function chunk(bytes) return ("%x\r\n"):format(#bytes) .. bytes .. "\r\n" end

describe("a stream", function()
  local server, client, connection

  before_each(function()
    server = raw_server.new(function(_, asking)
      connection = asking
      return HEAD
    end)
    client = core.new { base_url = server.address, api_key = canary.key }
  end)
  after_each(function()
    client:close()
    server:close()
  end)

  local function begin(most)
    connection = nil
    local number = assert(core.start_streaming(client, FIELDS, { api = "v1", timeout = 600, max_body = most }))
    raw_server.turn(client, function() return connection ~= nil end)
    return number
  end

  -- Sends bytes and waits until they are here.
  local function arrive(number, bytes)
    if bytes == "" then return end
    local before = client:progress(number)
    connection:write(chunk(bytes))
    raw_server.turn(client, function() return client:progress(number) == before + #bytes end)
  end

  local function take_all(number, into)
    for element in function() return client:take(number) end do into[#into + 1] = element end
    return into
  end

  -- Whole elements that end within the first `length` bytes, by lua-cjson's judgement.
  local ends = {}
  do
    local at = 3
    for i, text in ipairs(TEXTS) do
      ends[i] = at + #text - 1
      at = at + #text + 2
    end
  end
  local function expected(length)
    local elements = {}
    for i, last in ipairs(ends) do
      if last <= length then elements[i] = cjson.decode(TEXTS[i]) end
    end
    return elements
  end

  local function tidied(value) -- null is absent in what the core reads
    if type(value) ~= "table" then return value end
    local copy = {}
    for name, item in pairs(value) do
      if item ~= cjson.null then copy[name] = tidied(item) end
    end
    return copy
  end

  it("gives each element at its closing brace, once", function()
    local number, taken = begin(), {}
    for at = 1, #SAMPLE do
      arrive(number, SAMPLE:sub(at, at))
      take_all(number, taken)
      assert.same(tidied(expected(at)), taken, "after " .. at)
    end
    connection:write "0\r\n\r\n"
    local value, err = raw_server.await(client, number)
    assert.is_nil(err)
    assert.same(taken, value)
    assert.is_nil(client:take(number))
  end)

  it("gives the same for every split in two", function()
    for at = 0, #SAMPLE do
      local number, taken = begin(), {}
      arrive(number, SAMPLE:sub(1, at))
      take_all(number, taken)
      assert.same(tidied(expected(at)), taken, "split at " .. at)
      connection:write(chunk(SAMPLE:sub(at + 1) .. "\n") .. "0\r\n\r\n")
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      take_all(number, taken) -- finished, and not given by `next` yet
      assert.same(tidied(expected(#SAMPLE)), taken, "split at " .. at)
      local finished, value = client:next()
      assert.equal(number, finished)
      assert.same(taken, value)
    end
  end)

  it("gives the streams that the service has been seen to send, split at every byte", function()
    local file = io.open "../shared/api/examples/v1_stream_start_200.wire.json"
    if not file then return pending "no recorded stream here" end
    local body = file:read "*a"
    file:close()
    local whole = tidied(cjson.decode(body))
    local number, taken, last = begin(), {}, nil
    for at = 1, #body do
      connection:write(chunk(body:sub(at, at)))
    end
    raw_server.turn(client, function()
      local arrived = client:progress(number)
      local before = #taken
      take_all(number, taken)
      if #taken > before then last = arrived end
      return arrived == #body
    end)
    assert.same(whole, tidied(taken))
    assert.is_true(last <= #body)
    connection:write "0\r\n\r\n"
    assert.same(whole, tidied((raw_server.await(client, number))))
    -- and byte by byte, looking after each
    number, taken = begin(), {}
    local seen = {}
    for at = 1, #body do
      arrive(number, body:sub(at, at))
      take_all(number, taken)
      if #taken > #seen then
        assert.equal("}", body:sub(at, at))
        seen[#seen + 1] = at
        assert.equal(#taken, #seen)
      end
    end
    assert.same(whole, tidied(taken))
    assert.is_true(client:cancel(number))
    client:next()
  end)

  describe("that is cut off", function()
    -- What is taken of so many bytes, and the error of the whole.
    local function cut(length, ended)
      local number, taken = begin(), {}
      if length > 0 then connection:write(chunk(SAMPLE:sub(1, length))) end
      if ended then connection:write "0\r\n\r\n" end
      connection:close()
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      take_all(number, taken)
      local finished, value, err = client:next()
      assert.equal(number, finished)
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.not_equal("none", err.effect)
      assert.is_false(err.retryable) -- there may be a conversation
      assert.is_nil(client:take(number))
      return taken
    end

    it("gives the elements that were complete before", function()
      for i, last in ipairs(ends) do
        for _, length in ipairs { last - 1, last, last + 1 } do
          assert.same(tidied(expected(length)), cut(length), "cut after " .. length)
          if i < #ends then assert.same(tidied(expected(length)), cut(length, true), "ended after " .. length) end
        end
      end
      assert.same({}, cut(0))
      assert.same({}, cut(1))
    end)
  end)

  it("gives nothing of an answer that is no list of objects", function()
    for _, body in ipairs {
      '{"a":{"b":1}}', '[[{"a":1}]]', '["{}"]', "[1,{}]", "null", "", "[", "]", "{}", "<html>{}</html>", ',{"a":1}',
      '"[{}]"', "\239\187\191[{}]",
    } do
      local number = begin()
      arrive(number, body)
      assert.is_nil(client:take(number), body)
      connection:write "0\r\n\r\n"
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      assert.is_nil(client:take(number), body)
      client:next()
    end
  end)

  it("gives nothing of an error", function()
    for _, status in ipairs { "429 Slow", "500 Oh", "401 No", "302 Found" } do
      server:close()
      client:close()
      server = raw_server.new(function() return raw_server.answer('[{"detail":"words"}]', nil, status) end)
      client = core.new { base_url = server.address, api_key = canary.key }
      local number = assert(core.start_streaming(client, FIELDS, { api = "v1", timeout = 20 }))
      local taken = {}
      raw_server.turn(client, function()
        take_all(number, taken)
        return client:in_flight() == 0
      end)
      take_all(number, taken)
      assert.same({}, taken)
      local _, value, err = client:next()
      assert.is_nil(value)
      assert.same({ { detail = "words" } }, err.detail)
    end
  end)

  it("stops at an element that is not JSON", function()
    local number, taken = begin(), {}
    arrive(number, '[{"a":1},{"b":nonsense},{"c":3}]')
    take_all(number, taken)
    assert.same({ { a = 1 } }, taken)
    assert.is_nil(client:take(number))
    connection:write "0\r\n\r\n"
    local value, err = raw_server.await(client, number)
    assert.is_nil(value)
    assert.equal("protocol", err.kind)
  end)

  it("ends with its exchange", function()
    local number = begin()
    arrive(number, '[{"a":1},{"b":2}')
    assert.same({ a = 1 }, client:take(number))
    assert.is_true(client:cancel(number))
    assert.is_nil(client:take(number))
    local _, value, err = client:next()
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.is_nil(client:take(number))
  end)

  it("is read by the number of its exchange", function()
    assert.is_nil(client:take(1))
    for _, number in ipairs { 0, -1, 0.5, 0 / 0, 1 / 0, -1 / 0, 2 ^ 60, "x", {}, true } do
      assert.is_false((pcall(client.take, client, number)))
    end
    assert.is_false((pcall(client.take, client)))
    client:close()
    local good, message = pcall(client.take, client, 1)
    assert.is_false(good)
    assert.matches("closed", message)
  end)

  it("exists only for operations that stream", function()
    connection = nil
    local number = assert(core.list(client, nil, { api = "v1", timeout = 20 }))
    raw_server.turn(client, function() return connection ~= nil end)
    arrive(number, '[{"a":1}')
    assert.is_nil(client:take(number))
    client:cancel(number)
    client:next()
  end)

  it("that never ends grows no further than an answer may", function()
    local number = begin(50)
    arrive(number, '[{"a":1},')
    assert.same({ a = 1 }, client:take(number))
    connection:write(chunk(('{"a":1},'):rep(10)))
    local value, err = raw_server.await(client, number)
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.is_false(err.retryable)
  end)
end)
