-- A client remembers a bounded number of session keys. Those of one long list, or of a hostile answer, pushed out the
-- API key that was given for the call, and the error showed it where the server had echoed it.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local KEY = "key-of-this-call-0123456789"

describe("a key that is given for one call", function()
  local client

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  local function session_keys(count)
    local items = {}
    for index = 1, count do items[index] = ('{"session_api_key":"session-%08d"}'):format(index) end
    return table.concat(items, ",")
  end

  local function ask(answer, options)
    return core_client.answer(client, assert(core.request(client, { path = "/x" }, options)), answer)
  end

  for _, count in ipairs { 31, 32, 33, 1000 } do
    local echo = ('[{"echo":"you sent %s"},%s]'):format(KEY, session_keys(count))

    it("is not shown in an error with " .. count .. " session keys", function()
      local _, err = ask(core_client.json(echo, 500), { api_key = KEY })
      assert.equal("you sent [redacted]", err.detail[1].echo)
    end)

    it("is not shown in an error whose body is no JSON and has " .. count .. " session keys", function()
      local _, err = ask(core_client.json(echo:sub(1, -2)), { api_key = KEY })
      assert.matches("you sent [redacted]", err.detail, 1, true)
    end)

    it("is known after an answer with " .. count .. " session keys", function()
      assert.equal(count + 1, #(ask(core_client.json(echo), { api_key = KEY })))
      assert.equal("the key [redacted]", client:redact("the key " .. KEY))
      assert.equal("the key [redacted]", client:redact(("the key session-%08d"):format(count)))
    end)
  end

  it("is known although an answer had it as a session key before", function()
    ask(core_client.json(('[{"session_api_key":"%s"}]'):format(KEY)), {})
    local _, err = ask(core_client.json(('[{"echo":"you sent %s"},%s]'):format(KEY, session_keys(40)), 500),
      { api_key = KEY })
    assert.equal("you sent [redacted]", err.detail[1].echo)
  end)
end)
