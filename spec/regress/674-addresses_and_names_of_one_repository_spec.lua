-- An item whose repository was given by its address, and later by its name, or the other way round, was refused as one
-- with other contents: the address also says the provider.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"

local ADDRESS, NAME = "https://github.com/owner/one.git", "owner/one"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("an item of one repository, on " .. name .. ",", function()
    local database, number = nil, 0

    setup(function() database = databases.start(name) end)
    teardown(function()
      if database then database.stop() end
    end)

    local function item(repository, fields)
      local all = { key = "k", repository = repository, initial_user_msg = "Fix." }
      for field, value in pairs(fields or {}) do all[field] = value end
      return all
    end

    -- Adds items one after the other to a new fleet, and together to another one. Returns how many are known before, or
    -- the kind of the error.
    local function known(...)
      number = number + 1
      local client = in_process.simulated({ api = "v1" }, { grace = 2 })
      local fleet = assert(client:fleet { name = "f" .. number, ledger = database.address })
      local other = assert(client:fleet { name = "g" .. number, ledger = database.address })
      local added, err
      for _, each in ipairs { ... } do
        local before = fleet.ledger:find { account_id = fleet.account_id, fleet = fleet.name, key = "k" }
        added, err = fleet:add(each)
        local after = fleet.ledger:find { account_id = fleet.account_id, fleet = fleet.name, key = "k" }
        if before then assert.same({ before.request, before.request_hash }, { after.request, after.request_hash }) end
      end
      local together, problem = other:add { ... }
      assert.equal(err and err.kind, problem and problem.kind)
      assert.equal(added and select("#", ...) - 1, together and together.known)
      fleet:close()
      other:close()
      return added and added.known or err.kind
    end

    local function on_it(title, body)
      it(title, function()
        if not database then return pending(name .. " is not installed") end
        body()
      end)
    end

    on_it("is the same, by address or by name", function()
      assert.equal(1, known(item(ADDRESS), item(NAME)))
      assert.equal(1, known(item(NAME), item(ADDRESS)))
      assert.equal(1, known(item(ADDRESS), item "git@github.com:owner/one.git"))
      assert.equal(1, known(item(ADDRESS), item(NAME, { git_provider = "github" })))
      assert.equal(1, known(item(ADDRESS, { exclusive = "e" }), item(NAME, { exclusive = "e" })))
      assert.equal(1, known(item(NAME, { exclusive = "e" }), item(ADDRESS, { exclusive = "e" })))
      assert.equal(1, known(item("https://gitlab.com/g/h/one"), item "g/h/one"))
    end)

    on_it("is another one with other contents", function()
      assert.equal("conflict", known(item(ADDRESS), item(NAME, { initial_user_msg = "Test." })))
      assert.equal("conflict", known(item(ADDRESS), item "owner/two"))
      assert.equal("conflict", known(item(ADDRESS), item(NAME, { exclusive = "e" })))
      assert.equal("conflict", known(item(ADDRESS), item(NAME, { git_provider = "gitlab" })))
      assert.equal("conflict", known(item(ADDRESS), item "https://gitlab.com/owner/one"))
      assert.equal("conflict", known(item(NAME), item(ADDRESS, { initial_user_msg = "Test." })))
    end)

    on_it("is another one with a provider that was corrected", function()
      assert.equal("conflict", known(item(NAME), item(NAME, { git_provider = "gitlab" })))
    end)
  end)
end

describe("a CSV with the address of a repository that it had by name", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("has the same items", function()
    local path = here.directory .. "/f.csv"
    files.write(path, ("repository,message,id\n%s,Fix.,1\nowner/two,Fix.,2\n"):format(NAME))
    assert.equal("f: 2 items added, 0 known before", here.output(("fleet add %s --key 'no. {id}'"):format(path)))
    files.write(path, ("repository,message,id\n%s,Fix.,1\n%s,Fix.,1\nowner/two,Fix.,2\n"):format(ADDRESS, NAME))
    assert.equal("f: 0 items added, 3 known before", here.output(("fleet add %s --key 'no. {id}'"):format(path)))
  end)
end)
