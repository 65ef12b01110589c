-- Files through the face: of a conversation, of its workspace, of its sandbox. They appear under their name when they
-- are whole; how far they have come is told on the way.

local calls = require "spec.support.calls"
local lfs = require "lfs"
local simulator = require "openhands.simulator"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local files = require "spec.support.files"

local BYTES = 300000

-- So that it comes in more than one look.
local SLOWLY = { point = "after_commit", action = "drip", bytes = 100000, seconds = 0.06, count = -1,
  match = { path = "/download$" } }

describe("a file", function()
  local directory, remove, target

  before_each(function()
    directory, remove = files.directory()
    target = directory .. "/file.zip"
  end)

  after_each(function()
    remove()
  end)

  local function entries()
    local names = {}
    for name in lfs.dir(directory) do
      names[#names + 1] = name:sub(1, 1) ~= "." and name or nil
    end
    return table.concat(names, " ")
  end

  describe("that is fetched from a model", function()
    local at

    -- Every way to a file, by name of the call.
    local function ways()
      return {
        download = function(...) return at.client:download(at.id, ...) end,
        ["download by the conversation"] = function(...) return at.conversation:download(...) end,
        download_trajectory = function(...) return at.client:agent(at.id):download_trajectory(...) end,
        ["download from the sandbox"] = function(...)
          return at.client:agent(at.id):download("/workspace/project/PLAN.md", ...)
        end,
      }
    end

    before_each(function()
      at = calls.sandbox()
    end)

    after_each(function()
      canary.assert_keys_apart(at.model)
    end)

    local function refused(kind, value, err)
      assert.is_nil(value)
      assert.equal(kind, err.kind)
      assert.equal(assertions.comparable_id(at.id), assertions.comparable_id(err.conversation_id))
      assert.equal("", entries())
      return err
    end

    it("is there when it is whole", function()
      for _, fetch in pairs(ways()) do
        local file = assert(fetch(target))
        assert.same({ path = target, bytes = lfs.attributes(target, "size") }, file)
        assert.equal("file.zip", entries())
        os.remove(target)
      end
    end)

    it("is not there when the service refuses it", function()
      at.model:configure { download_busy = true }
      assert.equal(409, refused("conflict", at.client:download(at.id, target)).status)
      at.model:configure { download_busy = false }
      at.model:add_events(at.id, 10001)
      assert.equal(413, refused("invalid", at.client:download(at.id, target)).status)
      at.id = "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"
      assert.equal(404, refused("not_found", at.client:download(at.id, target)).status)
    end)

    it("is fetched again where its answer was cut, and is not there if that does not help", function()
      at.transport.faults = { { point = "in_body", at = 30, match = { path = "/download$" } } }
      assert(at.client:download(at.id, target))
      assert.equal("file.zip", entries())
      os.remove(target)
      at.transport.faults = { { point = "in_body", at = 30, match = { path = "/download$" }, count = -1 } }
      refused("protocol", at.client:download(at.id, target))
    end)

    it("needs a place to stand", function()
      for _, fetch in pairs(ways()) do
        local err = refused("file", fetch(directory .. "/nowhere/file.zip"))
        assert.matches("the file could not be written", err.message, 1, true)
        refused("file", fetch(directory .. "/"))
      end
    end)

    it("needs the name of a place", function()
      local since = #at.model.requests
      for name, fetch in pairs(ways()) do
        for _, wrong in ipairs { {}, 7, "", false } do
          local good, message = pcall(fetch, wrong)
          assert.is_false(good, name)
          assert.matches("needs the path of the file to make", message, 1, true)
        end
        assert.has_error(function() fetch() end)
        local good, message = pcall(fetch, target, { on_progress = "x" })
        assert.is_false(good)
        assert.matches("'on_progress' must be a function, not a string", message, 1, true)
        good, message = pcall(fetch, target, { on_progres = print })
        assert.is_false(good)
        assert.matches("unknown option 'on_progres'", message, 1, true)
      end
      assert.equal(since, #at.model.requests)
      assert.equal("", entries())
    end)

    it("is none of V0's, and V0's workspace is none of V1's", function()
      refused("unsupported", at.client:download_workspace(at.id, target))
      at = calls.service("v0", "download")
      local err = refused("unsupported", at.client:download(at.id, target))
      assert.matches("the V0 API cannot do this", err.message, 1, true)
      assert(at.client:download_workspace(at.id, target))
      assert.equal("PK", files.read(target):sub(1, 2))
    end)
  end)

  describe("that is fetched from a server", function()
    local service, client, id

    setup(function()
      service = simulator.spawn { pace = 0.001 }
      client = canary.client(service, { api = "v1" })
      id = assert(client:start { initial_user_msg = "x" }).conversation_id
      assert(client:wait(id, { interval = 0.02 }))
      client:close()
    end)

    before_each(function()
      service:options { download_bytes = BYTES, download_length = true }
      service:faults { SLOWLY }
      client = canary.client(service, { api = "v1" })
    end)

    after_each(function()
      client:close()
    end)

    teardown(function()
      service:close()
    end)

    it("tells how far it has come, up to its end", function()
      local told = {}
      local file = assert(client:download(id, target, { on_progress = function(bytes, all)
        assert.is_true(bytes > (told[#told] or 0))
        assert.equal(BYTES, all)
        assert.is_true(bytes == BYTES or lfs.attributes(target, "mode") == nil)
        told[#told + 1] = bytes
      end }))
      assert.is_true(#told > 1)
      assert.equal(BYTES, told[#told])
      assert.same({ path = target, bytes = BYTES }, file)
      assert.equal(BYTES, lfs.attributes(target, "size"))
    end)

    it("tells so where nobody has said how much it will be", function()
      service:options { download_length = false }
      local sizes = {}
      assert(client:download(id, target, { on_progress = function(_, all)
        sizes[#sizes + 1] = all or "unknown"
      end }))
      assert.equal("unknown", sizes[1])
      assert.equal(BYTES, sizes[#sizes])
    end)

    it("tells its end however fast it comes", function()
      service:faults {}
      local last
      assert(client:download(id, target, { on_progress = function(bytes) last = bytes end }))
      assert.equal(BYTES, last)
    end)

    it("is given up when the listener fails, and the client goes on", function()
      local problem, told = { "of the listener" }, 0
      local good, raised = pcall(client.download, client, id, target, { on_progress = function()
        told = told + 1
        error(problem)
      end })
      assert.is_false(good)
      assert.equal(problem, raised)
      assert.equal("finished", assert(client:wait(id, { interval = 0.5 })).state)
      assert.equal(1, told)
      assert.equal("", entries())
    end)

    it("may be fetched again after that, to the same place", function()
      pcall(client.download, client, id, target, { on_progress = function() error "no" end })
      service:faults {}
      local file = assert(client:download(id, target))
      assert.equal(BYTES, file.bytes)
      assert.equal("file.zip", entries())
    end)

    it("ends with the client that the listener closes", function()
      local file, err = client:download(id, target, { on_progress = function() client:close() end })
      assert.is_nil(file)
      assert.equal("closed", assertions.assert_error(err).kind)
      assert.equal("", entries())
    end)

    it("ends with what the listener raises, though it has closed the client", function()
      local good, raised = pcall(client.download, client, id, target, { on_progress = function()
        client:close()
        error("mine", 0)
      end })
      assert.same({ false, "mine" }, { good, raised })
      assert.equal("", entries())
    end)

    it("lets the listener ask something else meanwhile", function()
      local state
      assert(client:download(id, target, { on_progress = function()
        state = state or assert(client:status(id)).state
      end }))
      assert.equal("finished", state)
      assert.equal(BYTES, lfs.attributes(target, "size"))
    end)

    it("leaves the listener's mistakes where they are: in a wait too", function()
      local other = assert(client:start { initial_user_msg = "y" })
      local good, raised = pcall(client.wait, client, other, {
        interval = 0.02,
        on_change = function() error "mine" end,
      })
      assert.is_false(good)
      assert.matches("mine", raised, 1, true)
      assert.equal("finished", assert(client:wait(other, { interval = 0.02 })).state)
    end)
  end)

  it("is not found by whom the model does not know", function()
    local client = in_process.simulated { api = "v1" }
    local file, err = client:download("0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f", target)
    assert.is_nil(file)
    assert.equal("not_found", assertions.assert_error(err).kind)
  end)
end)
