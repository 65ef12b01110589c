-- A start or a message that cannot have left this machine was reported as ambiguous. It must be reported as not sent,
-- so that it may be repeated.

local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"
local simulator = require "openhands.simulator"

local ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"

describe("without a usable key", function()
  local function raises()
    error "no key today"
  end

  for what, key in pairs { ["that the client lacks"] = false, ["that a function did not give"] = raises } do
    local function client(api)
      return openhands.new {
        transport = simulator.transport(simulator.model()), api = api, api_key = key or nil, random = function()
          return 0
        end,
      }
    end

    it("a start was certainly not sent: " .. what, function()
      for _, api in ipairs { "v0", "v1" } do
        for _, options in ipairs { {}, { stream = api == "v1" or nil } } do
          local _, err = client(api):start({ initial_user_msg = "x" }, options)
          assert.are.same({ "authentication", "none" }, { err.kind, err.effect })
        end
      end
    end)

    it("a message was certainly not sent: " .. what, function()
      for _, api in ipairs { "v0", "v1" } do
        local _, err = client(api):send(ID, "go on")
        assert.are.equal("authentication", err.kind)
        _, err = client(api):request { method = "POST", path = "/api/x" }
        assert.are.equal("authentication", err.kind)
      end
    end)
  end
end)

describe("a call whose connection the proxy refuses", function()
  local proxy, client

  local function refused_by(answer)
    proxy = raw_server.new(answer)
    client = openhands.new {
      base_url = "https://openhands.invalid", proxy = proxy.address, api = "v1", api_key = "k", retries = 0,
      loop = "uv",
    }
  end

  after_each(function()
    client:close()
    proxy:close()
  end)

  local answers = {
    ["with 407"] = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
      .. "Content-Length: 0\r\n\r\n",
    ["with 502"] = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    ["without a word"] = "",
    ["after it has connected, with no TLS behind it"] = "HTTP/1.1 200 Connection established\r\n\r\n",
  }
  for how, answer in pairs(answers) do
    it("was certainly not sent: " .. how, function()
      refused_by(answer)
      for _, call in ipairs {
        { "request", { method = "POST", path = "/api/x" } },
        { "request", { method = "DELETE", path = "/api/x" } },
        { "delete", ID },
        { "sandboxes.pause", "sandbox-1" },
        { "request", { method = "POST", path = "/api/x", body = { a = 1 } } },
      } do
        local api = call[1] ~= "request" and "v1" or nil
        local _, err = client:_exchange(call[1], call[2], client:_begin("request"), api)
        assert.equal("none", err.effect, call[1] .. ": " .. tostring(err))
      end
      local _, err = client:request { method = "POST", path = "/api/x" }
      assert.are_not.equal("ambiguous", err.kind)
      for _, request in ipairs(proxy.requests) do
        assert.are.equal("CONNECT", request.method)
      end
    end)
  end
end)
