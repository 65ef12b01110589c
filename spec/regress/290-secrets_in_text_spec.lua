-- Secrets other than the API key (session keys, tokens in URLs, proxy passwords) appeared in errors and logs.

local core = require "openhands.core"
local errors = require "openhands.errors"
local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "5618e1c1-6f3f-4d5a-9b0e-2f8d7c6b5a49"
local SESSION = "session-canary-4477"

local function holds(value, secret, seen)
  seen = seen or {}
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    for name, item in pairs(value) do
      if holds(name, secret, seen) or holds(item, secret, seen) then
        return true
      end
    end
  end
  return type(value) == "string" and value:find(secret, 1, true) ~= nil
end

describe("secrets in text", function()
  it("are left out by the names that stand before them", function()
    for given, shown in pairs {
      ["tkn: S3CRET"] = "tkn: [redacted]",
      ["tkn=S3CRET&folder=y"] = "tkn=[redacted]&folder=y",
      ["x?tkn%3DS3CRET"] = "x?tkn%3D[redacted]",
      ['{"session_token": "S3CRET", "a": 1}'] = '{"session_token": "[redacted]", "a": 1}',
      ["{'password': 'S3C RET'}"] = "{'password': '[redacted]'}",
      ['{\\"sessionApiKey\\":\\"S3CRET\\",\\"a\\":1}'] = '{\\"sessionApiKey\\":\\"[redacted]\\",\\"a\\":1}',
      ["X-Session-API-Key: S3CRET"] = "X-Session-API-Key: [redacted]",
      ["Authorization: Basic S3CRET, and so on"] = "Authorization: Basic [redacted], and so on",
      ["authorization=Bearer S3CRET"] = "authorization=Bearer [redacted]",
      ["bearer S3CRET"] = "bearer [redacted]",
      ["see https://u:p@S3CRET@host/x"] = "see https://[redacted]@host/x",
      ["http://user:p'S3CRET@host:1"] = "http://[redacted]@host:1",
      ["http://user:p/S3CRET@host:1"] = "http://[redacted]@host:1",
      ["http://user:p S3CRET@host:1"] = "http://[redacted]@host:1",
      ["env['API_KEY'] = S3CRET"] = "env['API_KEY'] = [redacted]",
      ['"password": "S3CRET'] = '"password": "[redacted]',
    } do
      assert.equal(shown, core.redact_line(given))
      assert.equal(shown, core.redact(given))
      assert.equal(shown, core.redact_line(shown))
      assert.equal(shown, errors.clean { shown }[1])
    end
  end)

  it("are not found where there are none", function()
    for _, text in ipairs {
      "the monkey: white bread", "a bearer of bad news", "Bearer token missing", "the missing key: repository",
      "max_tokens: 4096", "Unexpected token: end", "turkey=dinner", "see https://host:8080/@user/x and mail a@b.c",
      "http://[::1]:3000/a@b", "keyboard: dvorak", "a == b", "12:30: done", "https://host/x?page=2",
    } do
      assert.equal(text, core.redact_line(text))
    end
  end)

  it("are not found in the names of our own calls", function()
    for _, row in ipairs(core.operations()) do
      for _, words in ipairs {
        "https://service.example answered with HTTP status 500: it broke; try again later",
        "https://service.example could not be asked: Connection refused",
        "https://service.example gave no complete answer: Operation timed out", "the V0 API cannot do this, V1 can",
        "'conversation_id' is 'a1', which is not a UUID", "there is no API key: give api_key to openhands.new{...}",
      } do
        local message = row.name .. ": " .. words
        assert.equal(message, core.redact_line(message))
        assert.equal("x (v1) failed: " .. message, core.redact_line("x (v1) failed: " .. message))
      end
    end
  end)

  it("are left out of fields by their names", function()
    local clean = core.redact {
      tkn = "S3CRET", session_token = "S3CRET", ["X-Access-Token"] = "S3CRET", sessionApiKey = "S3CRET", Password = 7,
      secrets = { A = "S3CRET" }, input = { "S3CRET" }, ["tkn=S3CRET"] = 1, monkey = "bread", max_tokens = 7,
      has_api_key = true, list = { { { "key=S3CRET" } } },
    }
    assert.is_false(holds(clean, "S3CRET"))
    assert.same({ "bread", 7, true, "[redacted]" }, { clean.monkey, clean.max_tokens, clean.has_api_key, clean.tkn })
    assert.same(clean, core.redact(clean))
  end)

  it("do not depend on the locale", function()
    local before = os.setlocale()
    if not os.setlocale("tr_TR.UTF-8") then
      return
    end
    local clean = core.redact_line("API_KEY: S3CRET, TKN=S3CRET, AUTHORIZATION: x")
    os.setlocale(before)
    assert.equal("API_KEY: [redacted], TKN=[redacted], AUTHORIZATION: [redacted]", clean)
  end)
end)

describe("a session key", function()
  local lines, client, answers

  before_each(function()
    lines, answers = {}, {}
    client = in_process.scripted(function(_, count)
      return answers[math.min(count, #answers)]
    end, { api = "v1", retries = 0, log = function(line) lines[#lines + 1] = line end })
  end)

  after_each(function()
    client:close()
  end)

  local function conversation(status)
    return in_process.json(('[{"id":"%s","sandbox_status":"%s","execution_status":"running","session_api_key":"%s",'
      .. '"conversation_url":"https://runtime.example/api/conversations/%s","title":"about %s"}]'):format(
      ID, status, SESSION, ID, SESSION))
  end

  it("is in no text once it was seen, whatever quotes it", function()
    answers = { conversation "RUNNING", in_process.json(('{"detail":"no %s here: %s"}'):format(SESSION,
      SESSION:gsub("%-", "%%2D")), 500) }
    local seen = assert(client:status(ID))
    assert.equal(SESSION, seen.session_api_key)
    assert.is_nil(tostring(seen):find(SESSION, 1, true))
    local value, err = client:status(ID)
    assert.is_nil(value)
    assert.equal("no [redacted] here: [redacted]", err.detail.detail)
    assert.is_false(holds({ err, tostring(err), lines }, SESSION))
  end)

  it("is left for the program, and is in no text of an error or a conversation", function()
    answers = { conversation "RUNNING" }
    local value, err = client:wait(ID, { timeout = 5 })
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    err.conversation.title = nil -- what the service has said of it is the program's
    assert.is_false(holds({ err, tostring(err), lines }, SESSION))
    assert.equal(SESSION, err.conversation.session_api_key)
  end)
end)

describe("the API key", function()
  it("is in no text where the service gives it as an id", function()
    for api, body in pairs {
      v0 = '{"status":"ok","conversation_id":"sk-canary-0123456789"}',
      v1 = '{"id":"sk-canary-0123456789","status":"WORKING","app_conversation_id":"sk-canary-0123456789"}',
    } do
      local client = in_process.scripted(function() return in_process.json(body) end, { api = api, grace = 0 })
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_false(holds({ tostring(conversation), err, tostring(err) }, "sk-canary"))
      client:close()
    end
  end)
end)

describe("the password of a proxy", function()
  it("is in no text, as given or in pieces", function()
    local client = in_process.scripted(function()
      return in_process.json('{"detail":"proxy u:p\'S3CRET@h, S3CRET, p\'S3CRET"}', 500)
    end, { api = "v0", proxy = "http://u:p'S3CRET@127.0.0.1:1" })
    local _, err = client:status(ID)
    assert.is_false(holds({ err, tostring(err) }, "S3CRET"))
    client:close()
    for _, proxy in ipairs { "p@S3CRET@h:1", "p/S3CRET@h:1", "p S3CRET@h:1" } do
      for _, scheme in ipairs { "http://", "" } do
        local _, message = pcall(openhands.new, { api_key = "x", proxy = scheme .. "u:" .. proxy })
        assert.is_nil(tostring(message):find("S3CRET", 1, true))
      end
    end
  end)

  it("is in no text where the environment names the proxy", function()
    local program = [[
      local client = require("openhands").new { api_key = "x", api = "v1", base_url = "https://127.0.0.1:1",
        retries = 0, log = print }
      local _, err = client:me()
      print(err.kind, err, err.detail)]]
    for _, proxy in ipairs {
      "http://u:p@S3CRET@127.0.0.1:1", "http://u:p/S3CRET@127.0.0.1:1", "http://u:p S3CRET@127.0.0.1:1",
      "u:p@S3CRET@127.0.0.1:1", "u:1/S3CRET@127.0.0.1:1", [[http://u:p"S3CRET@127.0.0.1:1]],
    } do
      local pipe = assert(io.popen(("https_proxy='%s' '%s' -e '%s' 2>&1"):format(proxy, os.getenv "LUA" or "lua",
        program)))
      local output = pipe:read "*a"
      pipe:close()
      assert.matches("connect\t", output)
      assert.is_nil(output:find("S3CRET", 1, true), output)
    end
  end)
end)
