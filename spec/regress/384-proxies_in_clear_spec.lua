-- When the service had an http address, the API key was sent to a proxy unencrypted.

local core = require "openhands.core"

describe("a proxy", function()
  it("is refused for a service without TLS", function()
    local options = { base_url = "http://127.0.0.1:9", api_key = "any", proxy = "http://127.0.0.1:8" }
    local good, message = pcall(core.new, options)
    assert.is_false(good)
    assert.matches("proxy cannot be used with an http base_url", message)
  end)
end)
