-- The client of the core: its options, its methods, and what it shows of itself.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a client of the core", function()
  it("shows its service and never its key", function()
    local client = core_client.new()
    assert.equal("openhands.core (https://service.example, 0 in flight)", tostring(client))
    assert.equal("x [redacted] y", client:redact_line("x\n" .. canary.key .. " y"))
    assert.same({ "x\n[redacted]" }, client:redact { "x\n" .. canary.key })
    client:close()
    assert.equal("openhands.core (closed)", tostring(client))
    assert.is_false(getmetatable(client))
  end)

  it("tells whether an id is valid and contains no secret, in the encodings in which it may be quoted", function()
    local client = core_client.new()
    local encoded = "c2stY2FuYXJ5LTVmMmM5MWQ3ZTBhYg" -- the key in base64
    for _, id in ipairs { "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60", "a", "A_b-9", ("x"):rep(128), "bearer_abc" } do
      assert.equal(id, client:redact_line(id, 128))
      assert.is_true(client:is_harmless_id(id))
    end
    for _, id in ipairs { canary.key, "id-" .. canary.key, encoded, "id" .. encoded } do
      assert.not_equal(id, client:redact_line(id, 128))
      assert.is_false(client:is_harmless_id(id))
    end
    for _, value in ipairs { "", "a/b", "a b", ("x"):rep(129), 7, true, {} } do
      assert.is_false(client:is_harmless_id(value))
    end
    assert.is_false(client:is_harmless_id(nil))
    client:close()
    assert.is_true(client:is_harmless_id(canary.key)) -- a closed client knows no secrets
  end)

  it("refuses to work once it is closed, and may be closed again", function()
    local client = core_client.new()
    client:close()
    client:close()
    for _, method in ipairs { "step", "next", "pollfd", "events", "timeout", "outgoing", "in_flight" } do
      local good, message = pcall(client[method], client)
      assert.is_false(good)
      assert.matches("closed", message)
    end
  end)

  it("returns a cancelled exchange with an error", function()
    local client = core_client.new()
    local number = core.me(client, nil, { api = "v1" })
    assert.equal(1, client:in_flight())
    assert.is_true(client:cancel(number))
    assert.is_false(client:cancel(number))
    local finished, value, err = client:next()
    assert.equal(number, finished)
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.equal(0, client:in_flight())
    client:close()
  end)

  it("cancels an exchange by its number, which is whole", function()
    local client = core_client.new()
    core.me(client, nil, { api = "v1" })
    assert.is_false((pcall(client.cancel, client, 1.5)))
    assert.is_true(client:cancel(1))
    client:close()
  end)

  it("is not taken for another userdata, nor another for it", function()
    local client = core_client.new()
    assert.is_false((pcall(client.step, io.stdout)))
    assert.is_false((pcall(client.step, {})))
    client:close()
  end)

  it("refuses options that are wrong, without showing the key", function()
    local function refused(pattern, options)
      local good, message = pcall(core_client.new, options)
      assert.is_false(good)
      assert.matches(pattern, core.argument_error(message))
      assert.is_nil(tostring(message):find(canary.key, 1, true))
    end
    refused("must begin with https://", { base_url = "http://service.example" })
    refused("must begin with https://", { base_url = "ftp://service.example" })
    refused("must not carry a user name", { base_url = "https://u:p@service.example" })
    refused("must not carry a query", { base_url = "https://service.example/?x=1" })
    refused("base_url", { base_url = "" })
    refused("base_url", { base_url = "https://" })
    refused("NUL", { base_url = "https://service.example\0.evil" })
    refused("unknown option 'apikey'", { apikey = "x" })
    refused("connect_timeout must be a number of seconds", { connect_timeout = -1 })
    refused("connect_timeout must be a number of seconds", { connect_timeout = 0 / 0 })
    refused("max_body must be a number of bytes", { max_body = 0 })
    refused("user_agent contains a byte", { user_agent = "x\r\nX-Evil: 1" })
    refused("organization is not an id", { organization = "a b" })
    for _, host in ipairs { "127.0.0.1", "localhost", "[::1]", "127.8.9.10:8080" } do
      core_client.new({ base_url = "http://" .. host }):close()
    end
  end)

  it("refuses a key with a byte that a header cannot hold", function()
    for byte = 0, 255 do
      local good, message = pcall(core_client.new, { api_key = "sk-" .. string.char(byte) .. "x" })
      assert.equal(byte >= 0x21 and byte <= 0x7e, good, ("byte %d: %s"):format(byte, tostring(message)))
      assert.is_true(good or core.argument_error(message):find("api_key ", 1, true) ~= nil)
    end
    assert.is_false((pcall(core_client.new, { api_key = "" })))
    assert.is_false((pcall(core_client.new, { api_key = ("x"):rep(513) })))
  end)
end)

describe("a closed client", function()
  it("redacts what the core recognizes, and has forgotten its keys", function()
    local client = core_client.new { api_key = "sk-canary-0123456789" }
    assert.equal("a [redacted] b", client:redact_line "a sk-canary-0123456789 b")
    client:close()
    assert.equal("a sk-canary-0123456789 b", client:redact_line "a sk-canary-0123456789 b")
    assert.same({ token = "[redacted]" }, client:redact { token = "abcdef0123456789" })
  end)
end)

describe("core.uuid", function()
  it("returns a random UUID of version 4", function()
    local seen = {}
    for _ = 1, 100 do
      local id = core.uuid()
      assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)
end)
