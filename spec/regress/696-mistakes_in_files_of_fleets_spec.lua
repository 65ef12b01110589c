-- A misspelt column, a file with semicolons and a short row all got the same message, and so did two rows of one
-- repository and a message that was corrected; none told the row. A file that is no CSV was read as a program.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("the command says what is wrong with the file of a fleet:", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function()
    here.service:reset()
    here.renew()
  end)

  -- Adds the items of a file, which is refused. Returns what is said after its name.
  local function refusal(contents, words, name)
    local path = here.directory .. "/" .. (name or "f.csv")
    files.write(path, contents)
    local result = here.run(("fleet add %s %s"):format(path, words or ""))
    assert.equal(1, result.status)
    local start = "openhands-lua: " .. path .. ": "
    assert.equal(start, result.errors:sub(1, #start))
    return (result.errors:sub(#start + 1):gsub("\n$", ""))
  end

  it("which columns it has", function()
    assert.equal("record 1 has no message: the file has the columns 'repository', 'mesage' (did you mean 'message'?); "
      .. "give a column 'message', or --message", refusal "repository,mesage\nowner/a,Fix.\n")
    assert.equal("record 1 has no message: the file has the columns 'Repository', 'Message' (did you mean 'message'?); "
      .. "give a column 'message', or --message", refusal "Repository,Message\nowner/a,Fix.\n")
    assert.equal("record 1 has no key: the file has the columns ' Repository' (did you mean 'repository'?), 'message'; "
      .. "give a column 'key' or 'repository', or --key", refusal " Repository,message\nowner/a,Fix.\n")
    assert.equal("record 1 has no message: the file has the columns 'repository', 'package'; give a column 'message', "
      .. "or --message", refusal "repository,package\nowner/a,left-pad\n")
  end)

  it("that commas separate columns", function()
    local words = ": columns are separated by commas, and the file has only one column, "
    assert.equal("record 1 has no message" .. words .. "'repository;message'",
      refusal "repository;message\nowner/a;Fix.\n")
    assert.equal("record 1 has no key" .. words .. "'repository<TAB>package'",
      refusal("repository\tpackage\nowner/a\tx\n", "--message 'Fix.'"))
    assert.equal("record 1 has no 'package', which --message names in braces" .. words .. "'repository;package'",
      refusal("repository;package\nowner/a;x\n", "--message 'Upgrade {package}.' --key x"))
  end)

  it("that a cell is missing", function()
    assert.equal("record 2 has no message: its cell in the column 'message' is empty or missing",
      refusal "repository,message\nowner/a,Fix.\nowner/b\n")
    assert.equal("record 1 has no key: its cell in the column 'repository' is empty or missing",
      refusal "repository,message\n,Fix.\n")
  end)

  it("which rows have the same key", function()
    assert.equal("record 3: it has the key 'owner/a' of record 1, and other contents: tell them apart by --key, or by "
      .. "a column 'key'", refusal "repository,message\nowner/a,Fix.\nowner/b,Fix.\nowner/a,Test.\n")
    assert.equal("record 2: it has the key 'owner/a' of record 1, and other contents: tell them apart by --key, or by "
      .. "a column 'key'", refusal("repo,file\nowner/a,x\nowner/a,y\n", "--message 'Fix {file}.'"))
    local path = here.directory .. "/same.csv"
    files.write(path, "repository,message,note\nowner/a,Fix.,1\nowner/a,Fix.,2\n")
    assert.equal("same: 1 item added, 1 known before", here.output("fleet add " .. path))
    assert.equal("same: 2 items added, 0 known before", here.output(("fleet add %s --name same --ledger %s/x.db "
      .. "--key '{repository} {note}'"):format(path, here.directory)))
  end)

  it("which row the fleet had before", function()
    local path = here.directory .. "/f.csv"
    files.write(path, "repository,message\nowner/a,Fix.\nowner/b,Fix.\n")
    here.output("fleet add " .. path)
    assert.equal("record 2: the item 'owner/b' was added before with another request: give it another key, or use a "
      .. "fleet of another name", refusal "repository,message\nowner/a,Fix.\nowner/b,Test.\n")
    local told = "the item 'owner/a' was added before with another request: give it another key, or use a fleet of "
      .. "another name"
    assert.equal(told, refusal('return { items = { { key = "owner/a", initial_user_msg = "Test." } } }', "", "f.lua"))
  end)

  it("which row belongs further up", function()
    assert.equal("record 1: it depends on record 3: move that row up, because an item must come after those that it "
      .. "depends on", refusal "key,message,depends_on\na,Fix.,b\nc,Fix.,\nb,Fix.,\n")
    assert.equal("record 2: item 'b' depends on 'x', which the fleet does not have yet: add that one first",
      refusal "key,message,depends_on\na,Fix.,\nb,Fix.,a x\n")
    assert.equal("record 1: item 'z' depends on 'z', which the fleet does not have yet: add that one first",
      refusal "key,message,depends_on\nz,Fix.,z\n")
  end)

  it("that it is neither CSV nor Lua", function()
    assert.equal("the file of a fleet is a CSV or a Lua file, and its name ends with .csv or .lua",
      refusal("repository,message\nowner/a,Fix.\n", "", "x.txt"))
    local path = here.directory .. "/X.CSV"
    files.write(path, "repository,message\nowner/a,Fix.\n")
    assert.equal("X: 1 item added, 0 known before", here.output("fleet add " .. path))
  end)
end)
