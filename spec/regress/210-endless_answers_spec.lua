-- An answer without an end costs the client time. It must be cut off after some MiB.

local core = require "openhands.core"
local peer = require "spec.support.raw_server"

local id = "0123456789abcdef0123456789abcdef"
local most = 64 -- MiB that a peer can send before it is cut off, those in the system's buffers included

local chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
local empty_blocks = ("\0\0\0\255\255"):rep(13000)

-- How each begins, and what follows again and again.
local endless = {
  ["an extension of a chunk"] = { chunked .. "\r\n5;", ("a"):rep(65536) },
  ["a chunk of one byte with a long extension"] = {
    chunked .. "\r\n", ("1;" .. ("a"):rep(8000) .. "\r\n \r\n"):rep(8),
  },
  ["a packed body of empty blocks"] = {
    chunked .. "Content-Encoding: gzip\r\n\r\na\r\n\31\139\8\0\0\0\0\0\0\3\r\n",
    ("%x\r\n"):format(#empty_blocks) .. empty_blocks .. "\r\n",
  },
  ["a header"] = { "HTTP/1.1 200 OK\r\nX: ", ("a"):rep(65536) },
  ["headers"] = { "HTTP/1.1 200 OK\r\n", ("X: y\r\n"):rep(10000) },
  ["headers behind the body"] = { chunked .. "\r\n2\r\n{}\r\n0\r\n", ("X: y\r\n"):rep(10000) },
  ["provisional answers"] = { "", ("HTTP/1.1 100 Continue\r\n\r\n"):rep(2000) },
  ["a body"] = { chunked .. "\r\n", ("%x\r\n%s\r\n"):format(65536, (" "):rep(65536)) },
}

describe("an answer without end", function()
  local server, client

  after_each(function()
    client:close()
    server:close()
  end)

  local function ask(answer)
    server = peer.new(answer)
    client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    return peer.await(client, core.status(client, id, { api = "v0" }))
  end

  for name, bytes in pairs(endless) do
    it("is ended: " .. name, function()
      local sent = 0
      local value, err = ask(function(_, connection)
        local function more(problem)
          if problem or sent > most * 1048576 then return end
          sent = sent + #bytes[2]
          connection:write(bytes[2], more)
        end
        connection:write(bytes[1], more)
      end)
      assert.is_nil(value)
      assert.are.same({ name == "a body" and "too_large" or "protocol", false }, { err.kind, err.retryable })
      assert.is_nil(err.reason:find("memory$"), err.reason)
      assert.is_true(sent <= most * 1048576, sent)
    end)
  end

  it("is not a whole answer that comes in the smallest pieces", function()
    local body = ('{"conversation_id":"%s","status":"RUNNING","title":"%s"}'):format(id, ("x"):rep(100000))
    local value, err = ask(function() return chunked .. "\r\n" .. body:gsub(".", "1\r\n%0\r\n") .. "0\r\n\r\n" end)
    assert.is_nil(err)
    assert.are.equal(100000, #value.title)
  end)

  it("is neither a large answer nor a later one on the same connection", function()
    local body = ('{"conversation_id":"%s","status":"RUNNING","title":"%s"}'):format(id, ("x"):rep(8000000))
    local value, err = ask(function() return peer.answer(body) end)
    for _ = 1, 3 do
      assert.is_nil(err)
      assert.are.equal(8000000, #value.title)
      value, err = peer.await(client, core.status(client, id, { api = "v0" }))
    end
    assert.are.equal(1, server.connections)
  end)
end)
