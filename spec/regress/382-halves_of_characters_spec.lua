-- A text that the service cuts in the middle of an emoji ends with half of a surrogate pair. The whole answer was
-- refused, so a conversation with such a title could not be read.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("an answer with half of a surrogate pair in a text", function()
  it("is read, with a replacement character in its place", function()
    local client = core_client.new()
    local number = core.status(client, "7f3b9a1c2d4e4f60a1b2c3d4e5f60718", { api = "v0" })
    local body = [[{"title":"a\ud83d","b":"\ud83d\ude00","c":"\\ud83d","d":"\udc00x"}]]
    local value = core_client.answer(client, number, core_client.json(body))
    assert.same({
      title = "a\239\191\189",
      b = "\240\159\152\128",
      c = "\\ud83d",
      d = "\239\191\189x",
    }, value)
    client:close()
  end)
end)
