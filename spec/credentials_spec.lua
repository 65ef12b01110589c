-- The API key: from the environment, the program or a function of it, and never shown.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local KEY = "sk-canary-0123456789"
local ACCOUNT = '{"id":"5a0c1d7e","email":"dev@example.com"}'

describe("the API key", function()
  local getenv = os.getenv

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  local function without_environment(values)
    os.getenv = function(name) -- luacheck: ignore 122
      return values and values[name] or nil
    end
  end

  it("that is missing is an error that names the variables, and nothing is sent", function()
    without_environment()
    local requests = 0
    local client = openhands.new {
      transport = {
        request = function()
          requests = requests + 1
          return in_process.json(ACCOUNT)
        end,
      },
    }
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.matches("OPENHANDS_API_KEY or OPENHANDS_CLOUD_API_KEY", tostring(err))
    for _, way in ipairs { "https://app.all-hands.dev/settings/api-keys,", "`openhands-lua login`",
      "`openhands-lua simulate` works without an account" } do
      assert.is_truthy(tostring(err):find(way, 1, true), way)
    end
    assert.is_nil(tostring(err):find "\n")
    assert.equal(0, requests)
    openhands.close()
    for _, call in ipairs { "start", "run" } do
      local conversation
      conversation, err = openhands[call] { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal("authentication", err.kind)
    end
    openhands.close()
  end)

  it("of the environment that is malformed is an error without it", function()
    without_environment { OPENHANDS_API_KEY = KEY .. "\n" }
    openhands.close()
    local conversation, err = openhands.status(ID)
    assert.is_nil(conversation)
    assert.equal("authentication", err.kind)
    assert.matches("OPENHANDS_API_KEY holds a key that contains a line break", tostring(err))
    assert.is_nil(tostring(err):find(KEY, 1, true))
    openhands.close()
  end)

  it("of the program that is malformed is raised without it", function()
    for _, key in ipairs { "", KEY .. " ", KEY .. "\n", KEY .. "\0", KEY .. "\255", "a b" } do
      local good, message = pcall(openhands.new, { api_key = key })
      assert.is_false(good)
      assert.matches("api_key", message)
      assert.is_nil(message:find(KEY, 1, true))
    end
    assert.is_false((pcall(openhands.new, { api_key = 7 })))
  end)

  it("may be a function, which is called before each exchange", function()
    local asked = 0
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)), {
      api = "v0",
      api_key = function()
        asked = asked + 1
        return asked < 3 and "key-" .. asked or nil
      end,
    })
    client:status(ID)
    client:status(ID)
    assert.equal(2, asked)
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.matches("gave no usable key", tostring(err))
  end)

  it("from a function that fails is an error without its words", function()
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)), {
      api = "v0",
      api_key = function()
        error("vault down: " .. KEY)
      end,
    })
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.is_nil(tostring(err):find(KEY, 1, true))
  end)

  it("of a call is forgotten when the call raises", function()
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)), { api = "v0" })
    assert.is_false((pcall(client.status, client, ID, { api_key = "sk-canary b" })))
    assert.is_nil(client._options.api_key)
  end)

  it("appears in no error, log line or client", function()
    local lines = {}
    local client = in_process.scripted(function()
      return in_process.json(('{"detail":"your key %s is no good","session_api_key":"SESSION"}'):format(KEY), 500)
    end, {
      api = "v0",
      log = function(line)
        lines[#lines + 1] = line
      end,
    })
    local _, err = client:status(ID)
    assert.is_true(#lines > 0)
    for _, value in ipairs { err, client, client._core, err.detail.detail } do
      lines[#lines + 1] = tostring(value)
    end
    local text = table.concat(lines, "\n")
    assert.is_nil(text:find(KEY, 1, true))
    assert.is_nil(text:find("SESSION", 1, true))
    assert.equal("your key [redacted] is no good", err.detail.detail)
    for name, value in pairs(client._settings) do
      assert.is_true(value ~= KEY, name)
    end
    client:close()
  end)
end)
