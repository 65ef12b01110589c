-- What was wrong once. Each of these failed before it was mended.

local core = require "openhands.core"
local simulator = require "openhands.simulator"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local KEY = "ab+cd=ef-0123456789"

local function external(options)
  local all = { base_url = "https://service.example", api_key = KEY, external = true }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return core.new(all)
end

-- Makes garbage whose finalizer calls `act`; on 5.1 only a proxy has finalizers.
local function plant(act)
  if newproxy then -- luacheck: ignore 113
    getmetatable(newproxy(true)).__gc = act -- luacheck: ignore 113
  else
    setmetatable({}, { __gc = act })
  end
end

-- Steps until a number of exchanges has finished, in a bounded number of turns; returns results by number.
local function collect(client, count)
  local results = {}
  for _ = 1, 600 do
    client:step(0.1)
    local number, value, err = client:next()
    while number do
      results[number], count = { value = value, err = err }, count - 1
      number, value, err = client:next()
    end
    if count == 0 then
      break
    end
  end
  return results, count
end

describe("a finalizer that calls back in", function()
  for _, intrusion in ipairs { "operation", "check", "next", "close" } do
    it("finds no exchange half-made: " .. intrusion, function()
      local client = external()
      local inside, refused = false, 0
      local function intrude()
        if inside then
          return
        end
        inside = true
        local good
        if intrusion == "operation" then
          good = pcall(core.status, client, ID, { api = "v0" })
        elseif intrusion == "check" then
          good = pcall(client.check, client, "status", ID)
        else
          good = pcall(client[intrusion], client)
        end
        refused = refused + (good and 0 or 1)
        inside = false
      end
      local plugins = {}
      for i = 1, 100 do
        plugins[i] = { source = ("v"):rep(i), parameters = { n = i } }
      end
      local function use()
        core.start(client, { initial_user_msg = "x", plugins = plugins }, { api = "v1" })
        local number, request = client:outgoing()
        while number do
          assert(request.path == "/api/conversations/" .. ID or request.body:sub(-1) == "}")
          client:answer(number, { status = 200, body = '{"id":"x","a":[{},{},{}]}', content_type = "application/json" })
          number, request = client:outgoing()
        end
        while client:next() do -- luacheck: ignore 542
        end
      end
      for _ = 1, 300 do
        for _ = 1, 20 do
          plant(intrude)
        end
        local good, message = pcall(use)
        if not good then
          -- Between two calls a finalizer may well close it.
          assert.equal("close", intrusion)
          assert.matches("closed", message)
          client = external()
        end
      end
      collectgarbage()
      pcall(client.close, client)
    end)
  end
end)

describe("a good answer", function()
  it("is not lost to a hook that raises, as Ctrl-C does", function()
    local client = external()
    local interruptions = 0
    for moment = 1, 8 do
      local number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
      client:outgoing()
      client:answer(number, { status = 200, body = '{"conversation_id":"x"}', content_type = "application/json" })
      local calls, at_work = 0, true
      debug.sethook(function()
        if calls > 0 or debug.getinfo(2, "f").func == client.next then
          calls = calls + 1
        end
        if at_work and calls == moment then
          debug.sethook()
          error "interrupted!"
        end
      end, "c")
      local good, finished, value = pcall(client.next, client)
      at_work = false
      debug.sethook()
      if not good then
        assert.matches("interrupted!", finished)
        interruptions = interruptions + 1
        finished, value = client:next()
      end
      assert.equal(number, finished)
      assert.equal("x", value and value.conversation_id)
    end
    assert.is_true(interruptions >= 2)
    client:close()
  end)

  it("is readable although a text in it was cut within a character", function()
    local client = external()
    local number = core.status(client, ID, { api = "v0" })
    client:outgoing()
    client:answer(number, {
      status = 200,
      body = [[{"title":"a\ud83d","b":"\ud83d\ude00","c":"\\ud83d","d":"\udc00x"}]],
      content_type = "application/json",
    })
    local _, value = client:next()
    assert.same({
      title = "a\239\191\189",
      b = "\240\159\152\128",
      c = "\\ud83d",
      d = "\239\191\189x",
    }, value)
    client:close()
  end)

  it("is readable, and a request right, whatever the host does with its locale", function()
    local program = [[
      local core = require "openhands.core"
      local client = core.new { base_url = "https://service.example", api_key = "any", external = true }
      assert(os.setlocale("comma", "numeric"))
      assert(jit or ("%.1f"):format(1.5) == "1,5") -- LuaJIT writes numbers by itself
      local number = core.status(client, "x", { api = "v0" })
      client:outgoing()
      local texts = { "0.30000000000000004", "1e23", "2.2250738585072011e-308", "1234567890123456789012.5" }
      local body = '{"cost":1.5,"list":[' .. table.concat(texts, ",") .. "]}"
      client:answer(number, { status = 200, body = body, content_type = "application/json" })
      local _, value = client:next()
      core.start(client, { initial_user_msg = "x", plugins = { { n = 1.5 } } }, { api = "v1" })
      local _, request = client:outgoing()
      os.setlocale("C", "numeric")
      for i, text in ipairs(texts) do assert(value.list[i] == tonumber(text), text) end
      print(value and value.cost, request.body:match '"n":[^}]*')
    ]]
    local directory, file = os.tmpname(), os.tmpname()
    os.remove(directory)
    local handle = assert(io.open(file, "w"))
    handle:write(program)
    handle:close()
    local first = -1
    while arg[first - 1] do
      first = first - 1
    end
    local command = "mkdir %s && localedef -i de_DE -f UTF-8 %s/comma 2>&1 && LOCPATH=%s '%s' %s 2>&1; rm -r %s %s"
    local process = assert(
      io.popen(command:format(directory, directory, directory, arg[first], file, directory, file))
    )
    local output = process:read "*a"
    process:close()
    assert.matches('1%.5\t"n":1%.5', output)
  end)
end)

describe("the key", function()
  it("is masked in every spelling that an echo may have", function()
    local client = external()
    local function quoted(body)
      local number = core.status(client, ID, { api = "v0" })
      client:outgoing()
      client:answer(number, { status = 500, body = body, content_type = "application/json" })
      local _, _, err = client:next()
      return err.detail.detail
    end
    assert.equal("[redacted]", quoted('{"detail":"' .. KEY .. '"}'))
    assert.equal("[redacted]", quoted('{"detail":"ab\\u002Bcd\\u003def-0123456789"}'))
    assert.equal("[redacted]", quoted('{"detail":"ab%2bcd%3Def-0123456789"}'))
    local base64 = {
      "YWIrY2Q9ZWYtMDEyMzQ1Njc4OQ==", -- the key
      "dTphYitjZD1lZi0wMTIzNDU2Nzg5", -- u:key
      "dXNlcjphYitjZD1lZi0wMTIzNDU2Nzg5", -- user:key
      "QmVhcmVyIGFiK2NkPWVmLTAxMjM0NTY3ODk=", -- Bearer key
    }
    for _, text in ipairs(base64) do
      local shown = quoted('{"detail":"' .. text .. '"}')
      assert.is_true(shown:find("[redacted]", 1, true) ~= nil and #shown <= 10 + #"QmVhcmVyI", shown)
    end
    client:close()
  end)

  it("does not go to a proxy in clear", function()
    local options = { base_url = "http://127.0.0.1:9", api_key = KEY, proxy = "http://127.0.0.1:8" }
    local good, message = pcall(core.new, options)
    assert.is_false(good)
    assert.matches("proxy cannot be used with an http base_url", message)
  end)
end)

describe("an exchange given up", function()
  it("after it was fetched may have been acted on", function()
    local client = external()
    local number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
    client:outgoing()
    client:cancel(number)
    local _, _, err = client:next()
    assert.same({ "cancelled", "unknown" }, { err.kind, err.effect })
    number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
    client:cancel(number)
    _, _, err = client:next()
    assert.same({ "cancelled", "none" }, { err.kind, err.effect })
    client:close()
  end)

  it("is named by a whole number", function()
    local client = external()
    core.me(client, nil, { api = "v1" })
    assert.is_false((pcall(client.cancel, client, 1.5)))
    assert.is_true(client:cancel(1))
    client:close()
  end)
end)

describe("a table where another kind is meant", function()
  it("is refused", function()
    local client = external()
    local function refused(pattern, fields)
      local good, message = pcall(core.start, client, fields, { api = "v1" })
      assert.is_false(good)
      assert.matches(pattern, message)
    end
    refused("'suggested_task' must be a table with string keys", { initial_user_msg = "x", suggested_task = { 1, 2 } })
    refused("'initial_message.content' must be a list", { initial_message = { "a", "b" } })
    refused("'initial_message.content' is empty", { initial_message = { content = {} } })
    client:close()
  end)
end)

describe("over a socket", function()
  local service

  setup(function()
    service = simulator.spawn { pace = 0.01 }
  end)

  teardown(function()
    service:close()
  end)

  before_each(function()
    service:reset()
  end)

  local function hang(count)
    service:faults { { point = "after_read", action = "hang", match = { method = "POST" }, count = count } }
  end

  it("reads do not queue behind starts that hang", function()
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 12 do
      assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 60 }))
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 30 }))
    local results = collect(client, 1)
    assert.equal(core.null, results[number] and results[number].value)
    assert.equal(12, client:in_flight())
    client:close()
  end)

  it("an exchange that finds no connection free ends in its own time", function()
    service:faults { { point = "after_read", action = "hang", match = { method = "GET" }, count = -1 } }
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 10 do
      assert(core.status(client, ID, { api = "v0", timeout = 60 }))
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 0.2 }))
    local results = collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    assert.equal(10, client:in_flight())
    client:close()
  end)

  it("a read does not wait for the answer to another", function()
    service:faults { { point = "after_read", action = "hang", match = { method = "GET" }, count = 1 } }
    local client = core.new { base_url = service.address, api_key = KEY }
    assert(core.status(client, ID, { api = "v0", timeout = 60 }))
    for _ = 1, 100 do -- until it hangs
      client:step(0.01)
      if #service:requests() == 1 then
        break
      end
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 30 }))
    local results = collect(client, 1)
    assert.equal(core.null, results[number] and results[number].value)
    client:close()
  end)

  it("a time-out below a millisecond is one", function()
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 1e-7 }))
    local results = collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    client:close()
  end)

  it("an outside loop is woken by a cancellation", function()
    local uv = require "luv"
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 60 }))
    local woken, late
    local poll, guard = uv.new_poll(client:pollfd()), uv.new_timer()
    poll:start("r", function()
      client:step(0)
      woken = client:next() or woken
    end)
    uv.update_time() -- a timer counts from when the loop last looked at the clock
    guard:start(20000, 0, function()
      late = true
    end)
    client:cancel(number)
    -- Turn by turn: an earlier user of the loop may have left it a word to stop.
    while not woken and not late do
      uv.run "once"
    end
    poll:stop()
    poll:close()
    guard:close()
    uv.run "nowait"
    assert.equal(number, woken)
    client:close()
  end)

  it("the simulator outlives clients that leave in the middle of a flood", function()
    service:faults { {
      point = "after_commit",
      action = "headers_flood",
      bytes = 200000,
      match = { method = "POST" },
      count = -1,
    } }
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 50 do
      local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 30 }))
      local results = collect(client, 1)
      assert.equal("protocol", results[number] and results[number].err.kind)
    end
    assert.equal(50, #service:starts())
    client:close()
  end)

  it("children of the host inherit no connection", function()
    local client = core.new { base_url = service.address, api_key = KEY }
    assert(core.status(client, ID, { api = "v0" }))
    collect(client, 1)
    local function sockets()
      local process = assert(io.popen "ls -l /proc/self/fd")
      local listing = process:read "*a"
      process:close()
      local _, count = listing:gsub("socket:", "")
      return count
    end
    assert.is_true(sockets() <= 2) -- libcurl's own pair to wake itself up is no connection
    client:close()
  end)
end)
