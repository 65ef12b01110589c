-- A secret that was to be kept as long as the client was forgotten after many other secrets if the client had known it
-- before.

local files = require "spec.support.files"

describe("a lasting secret", function()
  local directory, remove

  setup(function()
    directory, remove = files.directory()
    local built = os.execute(("${CC:-cc} -Wall -Wextra -Isrc -o %s/known_secrets spec/c/known_secrets.c "
      .. "src/wire/secret.c src/os/wipe.c"):format(directory))
    assert(built == true or built == 0, "spec/c/known_secrets.c does not compile")
  end)

  teardown(function() remove() end)

  local function known_after(secrets)
    local program = assert(io.popen(("%s/known_secrets %s"):format(directory, secrets)))
    local known = program:read "*a"
    program:close()
    return known
  end

  it("is not forgotten, others are", function()
    assert.equal("mine\n", known_after "=mine +session '*'")
  end)

  it("is not forgotten if it was known before", function()
    assert.equal("mine\n", known_after "+mine =mine '*'")
    assert.equal("mine\n", known_after "+session '*' +mine =mine '*'")
  end)

  it("is kept once", function()
    assert.equal("mine\n", known_after "+mine =mine")
    assert.equal("mine\n", known_after "=mine =mine +mine")
  end)

  it("beyond the twelfth is kept like others", function()
    local twelve = {}
    for i = 1, 12 do
      twelve[i] = "mine-" .. i
    end
    local words, lines = "=" .. table.concat(twelve, " ="), table.concat(twelve, "\n") .. "\n"
    assert.equal(lines .. "mine\n", known_after(words .. " +mine =mine"))
    assert.equal(lines, known_after(words .. " +mine =mine '*'"))
  end)
end)
