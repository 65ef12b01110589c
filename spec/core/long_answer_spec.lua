-- Answers that are too long to be read at once: `next` reads a slice and returns nothing until it has the whole value.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local json = core_client.json

-- An object of about so many bytes for each of the items, with what makes a reader's state: levels, escapes, nulls.
local function long_body(items)
  local parts = {}
  for index = 1, items do
    parts[index] = ('{"id":"event-%d","none":null,"n":%d,"text":"%s\\n\\u20ac","deep":[[[{"a":[1,null,%d]}]]]}')
      :format(index, index, ("x"):rep(100), index)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function is_whole(value, items)
  assert.equal(items, #value)
  for _, index in ipairs { 1, 2, math.floor(items / 2), items } do
    assert.same({
      id = "event-" .. index, n = index, text = ("x"):rep(100) .. "\n€",
      deep = { { { { a = { 1, core.null, index } } } } },
    }, value[index])
  end
end

local client

local function send(body, options)
  local number = assert(core.request(client, { path = "/x" }, options or {}))
  assert.equal(number, (client:outgoing()))
  assert.is_true(client:answer(number, json(body)))
  return number
end

-- Calls `next` until it returns something; returns how often it has returned nothing, and what it returned.
local function read(...)
  for turns = 0, 1e6 do
    local number, value, err = client:next(...)
    if number then return turns, number, value, err end
    assert.equal(0, client:timeout())
    assert.same({ 0, true }, { client:in_flight() })
  end
end

describe("a long answer", function()
  local body = long_body(12000)

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  it("is read in slices, while the client is due and counts as busy", function()
    local number = send(body)
    local turns, finished, value = read()
    assert.is_true(turns >= 2, tostring(turns))
    assert.equal(number, finished)
    is_whole(value, 12000)
    assert.is_nil((client:next()))
    assert.same({ 0, false }, { client:in_flight() })
    assert.is_nil(client:timeout())
  end)

  it("makes `step` return at once", function()
    send(body)
    client:next()
    local shortest = math.huge -- a busy machine can only make a step longer
    for _ = 1, 20 do
      local before = core.monotonic()
      client:step(0.1)
      shortest = math.min(shortest, core.monotonic() - before)
    end
    assert.is_true(shortest < 0.05, tostring(shortest))
  end)

  it("is returned again until its number is named", function()
    local number = send(body)
    for _ = 1, 2 do
      local _, finished, value = read(0)
      assert.equal(number, finished)
      is_whole(value, 12000)
    end
    assert.is_nil((client:next(number)))
    assert.same({ 0, false }, { client:in_flight() })
  end)

  it("does not delay a short one", function()
    local long = send(body)
    assert.is_nil((client:next()))
    local short = send "{}"
    assert.equal(short, (client:next()))
    local _, finished, value = read()
    assert.equal(long, finished)
    is_whole(value, 12000)
  end)

  it("takes turns with other long ones", function()
    local first = send(body)
    local second = send(long_body(3000))
    local third = send(body)
    local _, finished, value = read()
    assert.equal(second, finished)
    is_whole(value, 3000)
    local found = {}
    for _ = 1, 2 do
      local _, number, long = read()
      found[number] = true
      is_whole(long, 12000)
    end
    assert.same({ [first] = true, [third] = true }, found)
  end)

  it("is returned as text where that was asked for", function()
    send(body, { undecoded = true })
    local turns, _, value = read()
    assert.is_true(turns >= 2)
    assert.is_true(value == body)
  end)

  for name, tail in pairs { ["cut off"] = "", ["followed by bytes"] = "] x" } do
    it("is an error when it is " .. name, function()
      send(body:sub(1, -2) .. tail)
      local _, _, value, err = read()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end)
  end

  it("is an error when its values would take too much memory", function()
    client:close()
    client = core_client.new { max_memory = 1200000 }
    send(body)
    local _, _, value, err = read()
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.matches("max_memory", err.reason)
  end)

  it("of an error status is the detail of the error", function()
    local number = assert(core.request(client, { path = "/x" }, {}))
    client:outgoing()
    client:answer(number, json(body, 500))
    local _, finished, value, err = read()
    assert.equal(number, finished)
    assert.is_nil(value)
    assert.equal("server", err.kind)
    assert.equal("event-1", err.detail[1].id)
  end)

  it("teaches its secrets before anything of it is returned", function()
    local key = "session-" .. ("k"):rep(40)
    for _, place in ipairs { 0, 262144 - 5, 262144 - 30, 500000 } do
      local secret = key .. place
      local filling = ("y"):rep(math.max(place - #'{"a":"",', 0))
      send(('{"a":"%s","session_api_key":  "%s","b":"%s"}'):format(filling, secret, ("z"):rep(600000)))
      read()
      assert.is_nil(client:redact("the key " .. secret):find(secret, 1, true), tostring(place))
    end
  end)

  it("can be cancelled while it is read", function()
    local number = send(body)
    assert.is_nil((client:next()))
    assert.is_true(client:cancel(number))
    local finished, value, err = client:next()
    assert.equal(number, finished)
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.is_false(client:cancel(number))
  end)

  it("to a write is read to its end, because it tells what was done", function()
    local number = assert(core.request(client, { method = "POST", path = "/x" }, {}))
    client:outgoing()
    client:answer(number, json(body))
    assert.is_nil((client:next()))
    assert.is_false(client:cancel(number))
    local _, finished, value = read()
    assert.equal(number, finished)
    is_whole(value, 12000)
  end)

  for _, how in ipairs { "close", "collect" } do
    it("leaves no memory when the client is gone in the middle (" .. how .. ")", function()
      client:close()
      local function use()
        client = core_client.new()
        send(body)
        for _ = 1, 3 do assert.is_nil((client:next())) end
        local gone = client
        client = core_client.new()
        if how == "close" then
          gone:close()
          assert.is_false((pcall(gone.next, gone)))
          return gone
        end
      end
      use()
      collectgarbage()
      collectgarbage()
      local before = collectgarbage "count"
      local kept = {}
      for index = 1, 4 do
        kept[index] = use() or false
      end
      collectgarbage()
      collectgarbage()
      local grown = collectgarbage "count" - before
      assert.is_true(grown < 512, ("%d clients keep %.0f KB"):format(#kept, grown))
    end)
  end

  -- From Lua 5.4 on, errors of finalizers are only warnings. Elsewhere the collector mostly runs one in a slice.
  local raises = not _VERSION:match "5%.[45]" and it or pending
  raises("begins anew after the error of a finalizer in the middle", function()
    local number = send(body)
    local is_inside = false
    local function drop()
      local function raise()
        if is_inside then error("of a finalizer", 0) end
      end
      if rawget(_G, "newproxy") then
        getmetatable(newproxy(true)).__gc = raise
      else
        setmetatable({}, { __gc = raise })
      end
    end
    local failures, finished, value = 0, nil, nil
    repeat
      if failures < 3 then drop() end
      is_inside = true
      local good, found, what = pcall(client.next, client)
      is_inside = false
      if good then
        finished, value = found, what
      else
        failures = failures + 1
      end
    until finished
    assert.equal(number, finished)
    is_whole(value, 12000)
  end)

  it("is not read by a finalizer that calls the client in the middle", function()
    if _VERSION == "Lua 5.1" then return end
    local number = send(body)
    local problems, is_inside = {}, false -- outside of a call, a finalizer might take the answer
    local function drop()
      setmetatable({}, { __gc = function()
        if not is_inside then return end
        local good, problem = pcall(client.next, client)
        if not good then problems[#problems + 1] = problem end
      end })
    end
    local finished, value
    repeat
      drop()
      is_inside = true
      finished, value = client:next()
      is_inside = false
    until finished
    assert.equal(number, finished)
    is_whole(value, 12000)
    for _, problem in ipairs(problems) do assert.matches("busy", tostring(problem)) end
  end)

  it("shows no key of the client", function()
    send('["' .. canary.key .. '",' .. body .. "]")
    local _, _, value = read()
    assert.equal(canary.key, value[1]) -- values are the program's own
  end)
end)
