-- Which answers are requested compressed, and that a compressed answer is read in any case.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
-- {"conversation_id":"abc","status":"RUNNING"}, compressed with gzip
local GZIP = "\31\139\8\0\0\0\0\0\2\3\171\86\74\206\207\43\75\45\42\78\44\201\204\207\139\207\76\81"
  .. "\178\82\74\76\74\86\210"
  .. "\81\42\46\73\44\41\45\6\114\131\66\253\252\60\253\220\149\106\1\208\238\142\26\44\0\0\0"

describe("compression", function()
  local server, client, answer

  before_each(function()
    server = raw_server.new(function() return answer end)
    client = core.new { base_url = server.address, api_key = canary.key }
  end)
  after_each(function()
    client:close()
    server:close()
  end)

  -- Makes a call and returns the encodings that it asked for.
  local function encodings_of(operation, fields, api, bytes)
    answer = raw_server.answer(bytes)
    local value, err = raw_server.await(client, core[operation](client, fields, { api = api }))
    assert(value, err and err.reason)
    return server.requests[#server.requests].headers["accept-encoding"]
  end

  it("is requested for long answers", function()
    assert.matches("gzip", encodings_of("list", {}, "v1", '{"items":[]}'))
    assert.matches("gzip", encodings_of("trajectory", ID, "v0", '{"trajectory":[]}'))
    local ids = {}
    for i = 1, 50 do ids[i] = ID:sub(1, -3) .. ("%02x"):format(i) end
    assert.matches("gzip", encodings_of("status", ids, "v1", "[]"))
  end)

  it("is not requested for short ones, also on a handle that has requested it before", function()
    for _ = 1, 2 do
      assert.is_nil(encodings_of("status", ID, "v0", "{}"))
      assert.is_nil(encodings_of("status", ID, "v1", "[]"))
      assert.is_nil(encodings_of("event_count", ID, "v1", "7"))
      assert.is_nil(encodings_of("start", { initial_user_msg = "Hi" }, "v1", "{}"))
      assert.matches("gzip", encodings_of("list", {}, "v0", '{"results":[]}'))
    end
  end)

  it("is understood where it was not requested", function()
    answer = raw_server.answer(GZIP, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n")
    for _ = 1, 2 do
      local value = raw_server.await(client, core.status(client, ID, { api = "v0" }))
      assert.same({ conversation_id = "abc", status = "RUNNING" }, value)
      assert.is_nil(server.requests[#server.requests].headers["accept-encoding"])
    end
  end)
end)
