-- A field in the place of the options was an "unknown option", without a word about where it belongs; a misspelt option
-- of `events` had no hint, because it may stand among the fields.
local in_process = require "spec.support.in_process"

describe("a mistake in the arguments of a call", function()
  local client, conversation

  setup(function()
    client, conversation = in_process.started { api = "v1" }
  end)

  teardown(function()
    client:close()
  end)

  local function message_of(method, ...)
    local good, problem = pcall(conversation[method], conversation, ...)
    assert.is_false(good)
    return (tostring(problem):gsub("^.-openhands%.", "", 1))
  end

  it("is told with the place of the field", function()
    assert.equal("changes: unknown option 'ref'; it is a field: changes { ref = … }, with the other fields",
      message_of("changes", ".", { ref = "main" }))
    local good, problem = pcall(function()
      return conversation:agent():archive("/workspace", "/nowhere/x", { format = "git-delta" })
    end)
    assert.is_false(good)
    assert.matches("archive: unknown option 'format'; it is a field: archive { format = … }, with the other fields",
      problem, 1, true)
    assert.equal("changes: unknown option 'timeut' (did you mean 'timeout'?)",
      message_of("changes", ".", { timeut = 1 }))
  end)

  it("is told with the option of `events` that was probably meant", function()
    assert.equal("events: 'folow' is not a field of this call (did you mean 'follow'?)",
      message_of("events", { folow = true }))
    assert.equal("events: 'kind_eq' is not a field of this call (did you mean 'kind__eq'?)",
      message_of("events", { kind_eq = "ActionEvent" }))
  end)
end)
