-- Mistakes in the fields of a call: each is raised with the name of the field, and nothing is sent.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function raises(pattern, operation, fields, api)
  local client = core_client.new()
  local good, message = pcall(core[operation], client, fields, { api = api or "v1" })
  assert.is_false(good)
  assert.matches(pattern, message)
  assert.is_nil((client:outgoing())) -- nothing was sent
  client:close()
end

describe("a mistake in the fields of a call", function()
  it("is reported for a misspelt field, with the nearest right name", function()
    raises("start: 'initial_user_mesg' is not a field of this call %(did you mean 'initial_user_msg'%?%)", "start",
      { initial_user_mesg = "x" })
    raises("did you mean 'repository'", "start", { initial_user_msg = "x", repositry = "o/r" })
    raises("'qqqqqqqqqqqqqqq' is not a field of this call$", "start", { initial_user_msg = "x", qqqqqqqqqqqqqqq = 1 })
  end)

  it("is reported for a missing, a doubled and an empty field", function()
    raises("'initial_user_msg' is missing", "start", {})
    raises("'initial_user_msg' is missing", "start", { initial_user_msg = core.null })
    raises("'initial_user_msg' is missing", "start", nil)
    raises("'conversation_id' is missing", "status", nil)
    raises("'initial_user_msg' and 'initial_message' are two names of one field", "start",
      { initial_user_msg = "x", initial_message = "y" })
    raises("'repository' and 'selected_repository' are two names", "start",
      { initial_user_msg = "x", repository = "a/b", selected_repository = "a/b" })
    raises("'initial_user_msg' is empty", "start", { initial_user_msg = "" })
  end)

  it("is reported for a field of the wrong type", function()
    for _, value in ipairs { 7, true, print } do
      raises("'initial_user_msg' must be a string", "start", { initial_user_msg = value })
      raises("'repository' must be a string", "start", { initial_user_msg = "x", repository = value })
    end
    raises("'public' must be a boolean, not a string", "start", { initial_user_msg = "x", public = "yes" })
    raises("'pr_number' must be a list of integers", "start", { initial_user_msg = "x", pr_number = 7 })
    raises("'pr_number%[2%]' is not an integer", "start", { initial_user_msg = "x", pr_number = { 1, 1.5 } })
    raises("'secrets.TOKEN' must be a string", "start", { initial_user_msg = "x", secrets = { TOKEN = 1 } })
    raises("'plugins' must be a list", "start", { initial_user_msg = "x", plugins = { source = "x" } })
    raises("'limit' is not an integer", "events", { conversation_id = ID, limit = 0 / 0 })
  end)

  it("is reported for a list in place of a table with string keys, and the other way round", function()
    raises("'suggested_task' must be a table with string keys", "start",
      { initial_user_msg = "x", suggested_task = { 1, 2 } })
    raises("'initial_message.content' must be a list", "start", { initial_message = { "a", "b" } })
    raises("'initial_message.content' is empty", "start", { initial_message = { content = {} } })
  end)

  it("is reported for an invalid id", function()
    local long, huge = ("x"):rep(129), ("x"):rep(1e7)
    for _, id in ipairs { "", "../x", "a/b", "%2e%2e", "a b", "a?b", "a#b", "ä", "a\0b", long, huge } do
      raises("'conversation_id' is not an id", "status", id, "v0")
      raises("'conversation_id' is not an id", "status", id, "v1")
      raises("'conversation_id' is not an id", "start", { initial_user_msg = "x", conversation_id = id })
    end
    raises("'conversation_id' must be an id", "status", 7, "v0")
    raises("must have 1 to 99 items, not 0", "status", { conversation_id = {} }, "v1")
    local many = {}
    for i = 1, 100 do
      many[i] = ID
    end
    raises("must have 1 to 99 items, not 100", "status", many, "v1")
  end)

  it("is reported with its place for a value that JSON cannot hold", function()
    local function plugin(value)
      return { initial_user_msg = "x", plugins = { { parameters = { here = value } } } }
    end
    local cycle = {}
    cycle.again = { cycle }
    raises("'plugins%[1%]%.parameters%.here%.again%[1%]' contains itself", "start", plugin(cycle))
    local deep = {}
    local last = deep
    for _ = 1, 10000 do
      last.x = {}
      last = last.x
    end
    raises("'plugins%[1%]%.parameters%.here%.x.*' is nested deeper than 64 tables", "start", plugin(deep))
    raises("'plugins%[1%]%.parameters%.here' is a list with holes", "start", plugin { 1, nil, 3 })
    raises("'plugins%[1%]%.parameters%.here' is a list with holes", "start", plugin { [1e15] = 1 })
    raises("'plugins%[1%]%.parameters%.here' mixes list items with named fields", "start", plugin { 1, a = 2 })
    raises("'plugins%[1%]%.parameters%.here' has a key that is neither", "start", plugin { [0] = 1 })
    raises("'plugins%[1%]%.parameters%.here' has a boolean as a key", "start", plugin { [true] = 1 })
    raises("'plugins%[1%]%.parameters%.here' is not a finite number", "start", plugin(0 / 0))
    raises("'plugins%[1%]%.parameters%.here' is not a finite number", "start", plugin(1 / 0))
    raises("'plugins%[1%]%.parameters%.here' is a function", "start", plugin(print))
    raises("'plugins%[1%]%.parameters%.here' is a userdata", "start", plugin(io.stdout))
    raises("'plugins%[1%]%.parameters%.here' is a thread", "start", plugin(coroutine.create(function() end)))
    raises("'plugins%[1%]%.parameters%.here' is not UTF%-8 %(byte 2%)", "start", plugin "x\255")
  end)

  it("is reported for a table with a metatable, none of whose metamethods run", function()
    local function never()
      error "a metamethod ran"
    end
    local hostile = { __index = never, __newindex = never, __pairs = never, __len = never, __tostring = never }
    raises("the table of fields has a metatable", "start", setmetatable({ initial_user_msg = "x" }, hostile))
    local plugins = { setmetatable({}, hostile) }
    raises("'plugins%[1%]' has a metatable", "start", { initial_user_msg = "x", plugins = plugins })
    raises("'secrets' has a metatable", "start", { initial_user_msg = "x", secrets = setmetatable({}, hostile) })
  end)

  it("is reported for a request larger than 32 MiB", function()
    raises("larger than 33554432 bytes", "start", { initial_user_msg = ("x"):rep(33554432) })
  end)

  it("is returned, not raised, where only another dialect could take the field", function()
    local client = core_client.new()
    local number, err = core.start(client, { initial_user_msg = "x", llm_model = "m" }, { api = "v0" })
    assert.is_nil(number)
    assert.equal("unsupported", err.kind)
    assert.matches("'llm_model'", err.reason)
    number, err = core.status(client, "abc1234", { api = "v1" })
    assert.is_nil(number)
    assert.equal("invalid", err.kind)
    number, err = core.start(client, { initial_message = { content = { { type = "image" } } } }, { api = "v0" })
    assert.is_nil(number)
    assert.equal("unsupported", err.kind)
    assert.is_nil((client:outgoing()))
    client:close()
  end)
end)
