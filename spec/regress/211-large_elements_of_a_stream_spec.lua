-- An element of a stream that is many MB long arrives in thousands of pieces. Reading it from its start again with each
-- piece would take quadratic time.

local core = require "openhands.core"
local peer = require "spec.support.raw_server"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

describe("the elements of a list that is arriving", function()
  local directory, remove

  setup(function()
    directory, remove = files.directory()
    local built = os.execute("${CC:-cc} -Wall -Wextra -Isrc -o " .. directory .. "/json_stream spec/c/json_stream.c")
    assert(built == true or built == 0, "spec/c/json_stream.c does not compile")
  end)

  teardown(function() remove() end)

  local function elements(text)
    local program = assert(io.popen(directory .. "/json_stream " .. processes.quoted(text)))
    local found = program:read "*a"
    program:close()
    return found
  end

  it("are found byte by byte, and no byte is read twice", function()
    for text, found in pairs {
      ['[{"a":1},{"b":[{}]}]'] = '{"a":1}\n{"b":[{}]}\n',
      [' [ {"a":"}"} , {"b":"\\"}"},\n{"c":"\\\\"} , ] '] = '{"a":"}"}\n{"b":"\\"}"}\n{"c":"\\\\"}\n',
      ['[{},{},[],{}]'] = "{}\n{}\n",
      ['[{}x{}]'] = "{}\n",
      ['[,{}]'] = "",
      ['[[{}]]'] = "",
      ['[{"a":1}]{}'] = '{"a":1}\n',
      ['{"a":[{}]}'] = "",
      ['[1,{}]'] = "",
      ['[null]'] = "",
      ['[]'] = "",
      ['x'] = "",
      ['[{"a":"' .. ("x"):rep(50000) .. '"}]'] = '{"a":"' .. ("x"):rep(50000) .. '"}\n',
    } do
      assert.are.equal(found, elements(text), text)
    end
  end)

  it("end at one that is no JSON, and the list is judged when it is whole", function()
    local row = {}
    for _, operation in ipairs(core.operations()) do
      if operation.shape == "stream" then row = operation end
    end
    local server = peer.new(function() return peer.answer '[{"a":1},{"b":x},{"c":3}]' end)
    local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    local number = core[row.name](client, { initial_user_msg = "x" }, { api = row.api })
    peer.turn(client, function() return client:in_flight() == 0 end)
    assert.are.equal(1, client:take(number).a)
    for _ = 1, 3 do assert.is_nil(client:take(number)) end
    local _, value, err = client:next()
    assert.is_nil(value)
    assert.are.equal("protocol", err.kind)
    client:close()
    server:close()
  end)
end)
