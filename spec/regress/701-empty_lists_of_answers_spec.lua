-- An empty list of an answer was sent back, and printed as JSON, as an empty object.
local in_process = require "spec.support.in_process"
local json = require "openhands.command_line.json"

describe("an empty list of an answer", function()
  local BODY = '{"a":[],"b":{"c":[],"d":{}},"e":[[],{},[1],[]],"f":{}}'

  local function sent_back(body)
    local sent
    local client = in_process.scripted(function(request)
      sent = request.body
      return in_process.json(body)
    end, { api = "v1" })
    local answer = assert(client:request { path = "/x" })
    assert(client:request { path = "/x", method = "POST", body = answer })
    client:close()
    return sent, answer
  end

  it("is one when it is sent back", function()
    local sent = sent_back(BODY)
    for _, part in ipairs { '"a":[]', '"c":[]', '"d":{}', '"e":[[],{},[1],[]]', '"f":{}' } do
      assert.matches(part, sent, 1, true)
    end
  end)

  it("is one when it is printed", function()
    local _, answer = sent_back(BODY)
    assert.equal(BODY, json.encode(answer))
  end)

  it("is one where it is the whole answer, and in an answer that is read in slices", function()
    local _, answer = sent_back "[ ]"
    assert.equal("[]", json.encode(answer))
    local long = "[" .. ("[],{},"):rep(100000) .. "[]]"
    _, answer = sent_back(long)
    assert.equal(long, json.encode(answer))
  end)

  it("can be filled", function()
    local _, answer = sent_back(BODY)
    answer.a[1] = "x"
    assert.equal('["x"]', json.encode(answer.a))
  end)
end)
