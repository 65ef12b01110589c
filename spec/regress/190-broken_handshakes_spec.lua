-- A TLS handshake that is cut off says nothing about certificates. It was reported as `tls`, which is not retried,
-- although only the connection had failed and a later try may succeed.

local core = require "openhands.core"
local peer = require "spec.support.raw_server"
local uv = require "luv"

local id = "0123456789abcdef0123456789abcdef"

-- An alert of TLS: fatal, with its number.
local function alert(number) return "\21\3\3\0\2\2" .. string.char(number) end

local function reset(socket) socket:close_reset() end

local function close(socket) socket:close() end

-- By name: the expected kind, what a peer says to the first bytes of a handshake, and how it ends the connection.
local endings = {
  ["a reset"] = { "connect", "", reset },
  ["an end"] = { "connect", "", close },
  ["an end in the middle of a record"] = { "connect", "\22\3\3\0\122\2\0\0", close },
  ["a reset in the middle of a record"] = { "connect", "\22\3\3\0\122\2\0\0", reset },
  ["another protocol"] = { "tls", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", close },
  ["no version in common"] = { "tls", alert(70), close },
  ["no cipher in common"] = { "tls", alert(40), close },
  ["a name that nobody serves"] = { "tls", alert(112), close },
}

describe("a TLS handshake", function()
  local listener, client

  after_each(function()
    client:close()
    listener:close()
    uv.run "nowait"
  end)

  local function listen(said, finish)
    listener = uv.new_tcp()
    listener:bind("127.0.0.1", 0)
    listener:listen(8, function()
      local socket = uv.new_tcp()
      listener:accept(socket)
      socket:read_start(function(_, piece)
        if socket:is_closing() then return end
        if not piece then return socket:close() end
        if said == "" then return finish(socket) end
        socket:write(said, function()
          if not socket:is_closing() then finish(socket) end
        end)
      end)
    end)
    client = core.new {
      base_url = "https://127.0.0.1:" .. listener:getsockname().port, api_key = "sk-canary-0123456789",
    }
  end

  for name, ending in pairs(endings) do
    it("that meets " .. name .. " is of kind " .. ending[1], function()
      listen(ending[2], ending[3])
      local value, err = peer.await(client, core.status(client, id, { api = "v0" }))
      assert.is_nil(value)
      local expected = { ending[1], ending[1] == "connect", "none" }
      assert.are.same(expected, { err.kind, err.retryable, err.effect }, err.reason)
      assert.is_string(err.reason)
    end)

    it("that meets " .. name .. " has not sent a start", function()
      listen(ending[2], ending[3])
      local value, err = peer.await(client, core.start(client, { initial_user_msg = "x" }, { api = "v1" }))
      assert.is_nil(value)
      local expected = { ending[1], ending[1] == "connect", "none" }
      assert.are.same(expected, { err.kind, err.retryable, err.effect }, err.reason)
    end)
  end
end)

describe("a status that is about the connection or the moment, not the request,", function()
  for status, kind in pairs { [421] = "connect", [425] = "server" } do
    it("may be retried: " .. status, function()
      local server = peer.new(peer.answer('{"detail":"not here, not now"}', nil, status .. " x"))
      local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
      for _, submit in ipairs {
        function() return core.status(client, id, { api = "v0" }) end,
        function() return core.start(client, { initial_user_msg = "x" }, { api = "v1" }) end,
      } do
        local value, err = peer.await(client, submit())
        assert.is_nil(value)
        assert.are.same({ kind, status, true, "refused" }, { err.kind, err.status, err.retryable, err.effect })
      end
      client:close()
      server:close()
    end)
  end

  it("is followed by a try on another connection", function()
    local server = peer.new(function() return peer.answer("{}", nil, "421 Misdirected Request") end)
    local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    for _ = 1, 3 do peer.await(client, core.status(client, id, { api = "v0" })) end
    assert.are.equal(3, server.connections)
    client:close()
    server:close()
  end)
end)
