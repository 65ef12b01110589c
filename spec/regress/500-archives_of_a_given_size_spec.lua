-- If the member and the directory entry of an archive of `download_bytes` bytes fitted, but the end of its directory
-- did not, the simulator's archive was up to 21 bytes shorter, and its Content-Length named more bytes than were sent.

local stream = require "openhands.simulator.encoding.stream"
local zip = require "openhands.simulator.encoding.zip"

local function never() error "an archive does not wait" end

describe("an archive of a given size", function()
  it("has that size, whether or not its member fits", function()
    local whole = stream.read_all(zip.padded(1000, "meta.json", ("x"):rep(50)), never)
    for size = 0, 300 do
      local bytes = stream.read_all(zip.padded(size, "meta.json", ("x"):rep(50)), never)
      assert.are.equal(size, #bytes)
      assert.are.equal(whole:sub(1, math.min(size, 89)), bytes:sub(1, 89))
    end
  end)

  it("is complete from the size of member and directory on", function()
    local smallest = 30 + 9 + 50 + 46 + 9 + 22
    for size = smallest, smallest + 3 do
      local bytes = stream.read_all(zip.padded(size, "meta.json", ("x"):rep(50)), never)
      assert.are.equal("PK\5\6", bytes:sub(-22, -19))
    end
  end)
end)
