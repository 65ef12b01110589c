-- A request that was sent and got no answer, or no complete one, "could not be asked", as if it had never left: whoever
-- reads this of a message or a start does it again.
local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a request that was sent", function()
  local server, client

  after_each(function()
    client:close()
    server:close()
  end)

  local function connect(answer)
    server = raw_server.new(answer)
    client = openhands.new { base_url = server.address, api_key = "any", api = "v1", loop = "uv", retries = 0 }
  end

  -- Lets a call time out, which took place while the words are in its error: on a busy machine only a longer one does.
  local function timed_out(words)
    local err
    for _, seconds in ipairs { 0.1, 1, 5 } do
      err = select(2, client:me { timeout = seconds })
      assert.equal("timeout", err.kind)
      if tostring(err):find(words, 1, true) then break end
    end
    return tostring(err)
  end

  it("and got nothing in time gave no answer", function()
    connect(function() end)
    assert.matches("^me: http://[0-9.:]+ gave no answer: [^;]+; try again, or allow more time$",
      timed_out "gave no answer")
  end)

  it("and got a part in time gave no complete answer", function()
    connect(function() return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{" end)
    assert.matches("^me: http://[0-9.:]+ gave no complete answer: [^;]+; try again, or allow more time$",
      timed_out "complete")
  end)

  it("and met the end of its connection gave no answer", function()
    connect(function(_, connection) connection:close() end)
    local _, err = client:send(ID, "x")
    assert.equal("ambiguous", err.kind)
    assert.matches(" gave no answer: [^;]+; outcome unknown: check before repeating it$", tostring(err))
  end)

  it("is told from one that was not", function()
    connect(function() end)
    local address = server.address
    server:close()
    client:close()
    client = openhands.new { base_url = address, api_key = "any", api = "v1", loop = "uv", retries = 0 }
    local _, err = client:me()
    assert.matches("^me: http://[0-9.:]+ could not be asked: [^;]+; check the network and base_url$", tostring(err))
  end)
end)
