-- An option among the fields was no field "of openhands.start", whatever call was made, without a word about where it
-- belongs.
local in_process = require "spec.support.in_process"

describe("an option among the fields", function()
  local WORDS = "%s: '%s' is an option, not a field; it belongs in the second table: %s({ … }, { %s = … })"

  local function problem_of(client, call, ...)
    local good, problem = pcall(client[call], client, ...)
    assert.is_false(good)
    return (tostring(problem):gsub("^.-openhands%.", "", 1))
  end

  for _, api in ipairs { "auto", "v0", "v1" } do
    it("is told with its place: " .. api, function()
      local client, model = in_process.simulated(nil, { api = api })
      for _, option in ipairs { "show", "timeout", "interval", "on_change", "retries" } do
        assert.equal(WORDS:format("run", option, "run", option),
          problem_of(client, "run", { initial_user_msg = "x", [option] = 1 }))
      end
      assert.equal(WORDS:format("start", "timeout", "start", "timeout"),
        problem_of(client, "start", { initial_user_msg = "x", timeout = 1 }))
      assert.equal(WORDS:format("list", "retries", "list", "retries"), problem_of(client, "list", { retries = 1 }))
      assert.equal(WORDS:format("events", "retries", "events", "retries"),
        problem_of(client, "events", "7f3b9a1c2d4e4f60a1b2c3d4e5f60718", { retries = 1 }))
      assert.equal(WORDS:format("resume", "deadline", "resume", "deadline"),
        problem_of(client, "resume", "7f3b9a1c2d4e4f60a1b2c3d4e5f60718", { deadline = 1 }))
      assert.equal("run: 'initial_user_mesg' is not a field of this call (did you mean 'initial_user_msg'?)",
        problem_of(client, "run", { initial_user_mesg = "x" }))
      assert.equal("start: 'show' is not a field of this call", problem_of(client, "start",
        { initial_user_msg = "x", show = true }))
      assert.equal(0, #model.requests)
      client:close()
    end)
  end
end)
