-- A CSV with the columns `repo` and `repository`, or another two for the same field: the order of a table in memory
-- decided which counted, in each process anew. So the same row became another item in the next run, and was started
-- once more.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("a row with two cells for the same field", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  local function added(contents, words)
    local path = here.directory .. "/f.csv"
    files.write(path, contents)
    return here.run(("fleet add %s %s"):format(path, words or ""))
  end

  for columns, row in pairs {
    ["repo,repository,message"] = "owner/a,owner/b,Fix.", ["key,message,initial_user_msg"] = "a,Fix.,Test.",
    ["key,message,model,llm_model"] = "a,Fix.,x,y", ["key,message,branch,selected_branch"] = "a,Fix.,x,y",
  } do
    it("is refused: " .. columns, function()
      for _ = 1, 4 do -- the order is another one in each process
        local result = added(("%s\n%s\n"):format(columns, row))
        assert.equal(1, result.status)
        assert.matches("record 1: '[a-z_]+' and '[a-z_]+' are two columns for the same field: remove one",
          result.errors)
      end
    end)
  end

  it("is taken if one of them is empty, or only data for --message", function()
    assert.equal(0, added("repo,repository,message\nowner/a,,Fix.\n,owner/b,Fix.\n").status)
    assert.equal(0, added("key,message,initial_user_msg\na,Fix.,Test.\n", "--name g --message '{message}'").status)
  end)
end)
