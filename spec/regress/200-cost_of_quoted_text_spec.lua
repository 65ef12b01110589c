-- A long text of the service in an error was cut and redacted by code whose cost grew faster than the length of the
-- text.

local openhands = require "openhands"
local core = require "openhands.core"
local in_process = require "spec.support.in_process"

local ID = "5618e1c1-6f3f-4d5a-9b0e-2f8d7c6b5a49"

-- Seconds of CPU that a function takes at its best of a few times.
local function cost(run, ...)
  local best = math.huge
  for _ = 1, 5 do
    local start = os.clock()
    run(...)
    best = math.min(best, os.clock() - start)
  end
  return best
end

-- Fails unless eight times as much costs less than thirty times as much: what is quadratic costs 64 times as much.
local function assert_linear(run, make, size)
  local small, large = make(size), make(8 * size)
  assert.is_true(cost(run, large) < 30 * cost(run, small) + 0.002)
end

describe("a quoted text", function()
  local client, lines, body

  before_each(function()
    lines = {}
    client = in_process.scripted(function()
      return in_process.json(body, 500)
    end, { api = "v0", retries = 0, log = function(line) lines[#lines + 1] = line end })
  end)

  after_each(function()
    client:close()
  end)

  local function fail(detail)
    body = detail
    local value, err = client:status(ID)
    assert.is_nil(value)
    return err
  end

  it("is quoted as far as it fits in a line", function()
    for _, letters in ipairs {
      "a", "é", "key: ", "://", "https://a:", "key={", "a\\n", "%3d", "Bearer x ", "tkn=", "\\\"",
    } do
      local err = fail('{"detail":"' .. letters:rep(3000) .. '"}')
      assert.is_true(#err.message < 800, letters)
      assert.is_true(#err.detail.detail <= 4096, letters)
      assert.is_true(#lines[#lines] <= 1000, letters)
      assert.is_nil((err.message .. lines[#lines]):find("%c"), letters)
    end
    assert.matches("status 500: [é]+…; try again later$", fail('{"detail":"' .. ("é"):rep(1000) .. '"}').message)
  end)

  it("is bounded as a whole in the detail, whose short parts stay", function()
    local items = {}
    for i = 1, 5000 do
      items[i] = ('{"msg":"%s","loc":["a",%d]}'):format(("m"):rep(100), i)
    end
    local err = fail(('{"more":[%s],"long":"%s","error":"it broke"}'):format(table.concat(items, ","), ("l"):rep(1e6)))
    assert.matches(": it broke;", err.message)
    assert.equal("it broke", err.detail.error)
    local bytes, count = 0, 0
    local function add(value)
      count = count + 1
      if type(value) == "table" then
        for name, item in pairs(value) do
          add(name)
          add(item)
        end
      elseif type(value) == "string" then
        bytes = bytes + #value
      end
    end
    add(err.detail)
    assert.is_true(bytes <= 70000 and count <= 4001)
  end)

  it("costs CPU in proportion to its bytes, whatever they are", function()
    for _, letters in ipairs { "a", "key: ", "://", "key={", "tkn=", "/" } do
      local function run(text)
        core.redact_line(text, 16384)
        core.redact(text)
        core.redact { text, { text } }
      end
      assert_linear(run, function(size) return letters:rep(size) end, 2000)
    end
    assert_linear(fail, function(size) return '{"detail":"' .. ("a"):rep(size) .. '"}' end, 200000)
    assert_linear(fail, function(size) return ("a"):rep(size) end, 200000)
  end)

  it("is bounded where it does not come from the service", function()
    local good, message = pcall(openhands.new, { api_key = "x", base_url = "https://host/" .. ("a"):rep(100000) })
    assert.is_false(good)
    assert.matches("base_url is longer than 2048 bytes", message)
    assert_linear(function(url)
      openhands.new({ api_key = "x", base_url = url }):close()
    end, function(size) return "https://host" .. ("/"):rep(size) end, 200)
    local other = in_process.scripted(function()
      return in_process.json('{"detail":"it broke"}', 500)
    end, { api = "v0", base_url = "https://host/" .. ("a"):rep(2000) .. "///", retries = 0 })
    local _, err = other:status(ID)
    assert.matches("^status: https://host/a+… answered with HTTP status 500: it broke; try again later$", err.message)
    assert.is_true(#err.message < 400)
    other:close()
  end)

  it("is bounded in the address of a conversation's server", function()
    for _, ending in ipairs { ("/"):rep(20000), ("/api/conversations/x"):rep(1000), ("/a"):rep(20000) } do
      client:close()
      client = in_process.scripted(function()
        local answer = '{"conversation_id":"%s","status":"RUNNING","url":"https://host%s","session_api_key":"its-key"}'
        return in_process.json(answer:format(ID, ending))
      end, { api = "v0" })
      assert(client:status(ID))
    end
  end)
end)
