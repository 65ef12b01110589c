-- What a call of the core sends for the fields that it is given. The spec carries the exchanges by hand.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

-- What one call puts on the wire.
local function sent(operation, fields, api, options)
  local client = core_client.new(options)
  assert(core[operation](client, fields, { api = api }))
  local _, request = client:outgoing()
  client:close()
  return request
end

describe("a call", function()
  it("sends V0's start as its documentation has it", function()
    local fields = { initial_user_msg = "Check README.md.", repository = "yourusername/your-repo" }
    local request = sent("start", fields, "v0")
    assert.equal("POST", request.method)
    assert.equal("/api/conversations", request.path)
    assert.equal("application/json", request.headers["content-type"])
    local body = require("cjson").decode(request.body)
    assert.same(fields, body)
  end)

  it("sends V0's status as its documentation has it", function()
    local request = sent("status", "abc1234", "v0")
    assert.equal("GET", request.method)
    assert.equal("/api/conversations/abc1234", request.path)
    assert.equal("", request.query)
    assert.equal("", request.body)
  end)

  it("sends a text as a message of one block on V1", function()
    local request = sent("start", { initial_user_msg = "Hi", repository = "o/r", conversation_id = ID }, "v1")
    assert.equal("/api/v1/app-conversations", request.path)
    assert.same({
      initial_message = { role = "user", content = { { type = "text", text = "Hi" } } },
      selected_repository = "o/r",
      conversation_id = ID,
    }, require("cjson").decode(request.body))
  end)

  it("takes V1's own spellings in both dialects", function()
    local message = { role = "user", content = { { type = "text", text = "a" }, { type = "text", text = "b" } } }
    local fields = { initial_message = message, selected_repository = "o/r" }
    assert.same(
      { initial_message = message, selected_repository = "o/r" },
      require("cjson").decode(sent("start", fields, "v1").body)
    )
    assert.same(
      { initial_user_msg = "a\nb", repository = "o/r" },
      require("cjson").decode(sent("start", fields, "v0").body)
    )
  end)

  it("repeats the parameter for each id of a list", function()
    local request = sent("status", { ID, ID }, "v1")
    assert.equal(("ids=%s&ids=%s"):format(ID, ID), request.query)
  end)

  it("percent-encodes all characters but the unreserved ones", function()
    local request = sent("start_tasks.list", { created_at__gte = "2026-08-20T09:15:02+00:00", limit = 100 }, "v1")
    assert.equal("created_at__gte=2026-08-20T09%3A15%3A02%2B00%3A00&limit=100", request.query)
  end)

  it("puts the path of base_url before that of the operation", function()
    assert.equal("/prefix/api/v1/users/me", sent("me", nil, "v1", { base_url = "https://x.example/prefix/" }).path)
  end)

  it("does not show the key to an external transport", function()
    assert.is_nil(sent("me", nil, "v1").headers.authorization:find(canary.key, 1, true))
  end)

  it("writes numbers exactly", function()
    local function written(number)
      local fields = { initial_user_msg = "x", plugins = { { n = number } } }
      return sent("start", fields, "v1").body:match('"n":([^}]*)}')
    end
    assert.equal("7", written(7))
    assert.equal("-1", written(-1))
    assert.equal("1234567890123456", written(1234567890123456))
    assert.equal("9007199254740991", written(9007199254740991))
    assert.equal("0.1", written(0.1))
    assert.equal("1e+300", written(1e300))
  end)

  it("writes lists as lists and tables as objects, empty ones too", function()
    local fields = {
      initial_user_msg = "x",
      pr_number = {},
      secrets = {},
      plugins = { { list = core.array {}, table = {}, null = core.null, yes = true, no = false, inner = { 1, "2" } } },
    }
    local body = sent("start", fields, "v1").body
    assert.matches('"pr_number":%[%]', body)
    assert.matches('"secrets":{}', body)
    assert.matches('"list":%[%]', body)
    assert.matches('"table":{}', body)
    assert.matches('"null":null', body)
    assert.matches('"yes":true', body)
    assert.matches('"no":false', body)
    assert.matches('"inner":%[1,"2"%]', body)
  end)

  it("keeps every byte of a text", function()
    local text = ("%s\0\1\31\"\\/\127äöü€\240\159\153\130"):format(("x"):rep(100))
    local body = sent("start", { initial_user_msg = text }, "v0").body
    assert.equal(text, require("cjson").decode(body).initial_user_msg)
  end)

  it("writes the same bytes for the same table", function()
    local fields = { initial_user_msg = "x", repository = "o/r", selected_branch = "main", llm_model = "m" }
    assert.equal(sent("start", fields, "v1").body, sent("start", fields, "v1").body)
  end)
end)
