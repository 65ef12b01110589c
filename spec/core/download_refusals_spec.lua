-- Downloads that are refused before they are sent, because the file cannot be created or another download writes it.
local core = require "openhands.core"
local lfs = require "lfs"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"
local raw_download = require "spec.support.raw_download"
local raw_server = require "spec.support.raw_server"

local zip, head = raw_download.zip, raw_download.head
local id = raw_download.id

-- Returns the system's message for an error, which depends on the locale, from the same mistake in Lua.
local function system_message(make)
  local directory, remove = files.directory()
  local _, message = make(directory)
  remove()
  return assert(message):gsub("^.*: ", ""):gsub("%p", "%%%0"), nil
end

local ABSENT = system_message(function(directory) return io.open(directory .. "/none/x", "w") end)
local DIRECTORY = system_message(function(directory) return io.open(directory, "w") end)
local TOO_LONG = system_message(function(directory) return io.open(directory .. "/" .. ("x"):rep(300), "w") end)
local NO_DIRECTORY = system_message(function() return io.open("/dev/null/x", "w") end)
local LINKS = system_message(function(directory)
  lfs.link("loop", directory .. "/loop", true)
  return io.open(directory .. "/loop", "w")
end)

describe("a download", function()
  local here = raw_download.new()

  setup(raw_download.warm_up)
  before_each(here.prepare)
  after_each(here.finish)

  describe("is refused before it is sent", function()
    before_each(function() here.serve_half() end)
    after_each(function()
      assert.equal(0, here.client:in_flight())
      assert.equal(0, #here.server.requests)
    end)

    it("when a pipe or a device has its name", function()
      assert(os.execute("mkfifo " .. processes.quoted(here.path)))
      assert.equal(("cannot make %s: it is a pipe, a device or a socket, not a file"):format(here.path),
        here.assert_refused(here.path))
      assert.equal("named pipe", lfs.attributes(here.path, "mode"))
      assert.is_false(here.exists(here.path .. ".part"))
      assert(os.remove(here.path))
    end)

    it("when a link has its name, whatever it leads to", function()
      files.write(here.directory .. "/other", "other")
      local targets = { "other", "nothing", here.directory, "/proc/self/fd/1", "/dev/null", "trajectory.zip" }
      for _, target in ipairs(targets) do
        assert(lfs.link(target, here.path, true))
        assert.equal(("cannot make %s: it is a symbolic link: give the path of the file itself"):format(here.path),
          here.assert_refused(here.path))
        assert.equal("link", lfs.symlinkattributes(here.path, "mode"))
        assert.equal("other trajectory.zip", here.entries())
        assert(os.remove(here.path))
      end
      assert.equal("other", files.read(here.directory .. "/other"))
      os.remove(here.directory .. "/other")
    end)

    it("when no file can be created", function()
      assert.matches(ABSENT, here.assert_refused(here.directory .. "/none/x.zip"))
      for _, path in ipairs { here.directory, here.path } do
        lfs.mkdir(path)
        assert.equal(("cannot make %s: it is a directory"):format(path), here.assert_refused(path))
      end
      assert.equal("trajectory.zip", here.entries())
      lfs.rmdir(here.path)
      lfs.mkdir(here.path .. ".part")
      assert.matches(DIRECTORY, here.assert_refused(here.path))
      lfs.rmdir(here.path .. ".part")
      assert.matches(TOO_LONG, here.assert_refused(here.directory .. "/" .. ("x"):rep(252)))
      files.write(here.directory .. "/file", "")
      assert.matches(NO_DIRECTORY, here.assert_refused(here.directory .. "/file/x.zip"))
      assert.equal("file", here.entries())
    end)

    it("when nobody may write there", function()
      if lfs.attributes("/proc/self", "mode") ~= "directory" then return pending "needs /proc" end
      assert.is_string(here.assert_refused "/proc/self/x.zip")
    end)

    it("when the partial file is a link or a pipe", function()
      files.write(here.directory .. "/other", "other")
      lfs.link("other", here.path .. ".part", true)
      assert.matches(LINKS, here.assert_refused(here.path))
      os.remove(here.path .. ".part")
      lfs.link(here.directory .. "/other", here.path .. ".part")
      assert.equal(("cannot make %s.part: it is there already, and not a file of this user alone: remove it"):format(
        here.path), here.assert_refused(here.path))
      assert.equal("other", files.read(here.directory .. "/other"))
      os.remove(here.path .. ".part")
      os.execute("mkfifo " .. processes.quoted(here.path .. ".part"))
      assert.is_string(here.assert_refused(here.path)) -- without waiting for a reader
      assert.equal("named pipe", lfs.attributes(here.path .. ".part", "mode"))
      os.remove(here.path .. ".part")
      lfs.link("/dev/full", here.path .. ".part", true)
      assert.matches(LINKS, here.assert_refused(here.path))
    end)

    it("for a mistake in the arguments", function()
      for _, case in ipairs {
        { core.download, id, { api = "v1" }, "needs the path of the file to make" },
        { core.download, id, { api = "v1", download = "" }, "download is empty" },
        { core.download, id, { api = "v1", download = "a\0b" }, "download contains a NUL byte" },
        { core.download, id, { api = "v1", download = 7 }, "download must be a string" },
        { core.download, "x/y", { api = "v1", download = here.path }, "'conversation_id' is not an id" },
        { core.status, id, { api = "v1", download = here.path }, "status: does not answer a file" },
        { core.request, { path = "/" }, { download = here.path }, "request: does not answer a file" },
      } do
        local good, message = pcall(case[1], here.client, case[2], case[3])
        assert.is_false(good)
        assert.matches(case[4], message)
        here.assert_nothing()
      end
    end)
  end)

  describe("to the path of another download", function()
    it("in this process is refused, and the first one continues", function()
      local send_rest = here.serve_in_two_parts()
      local number = assert(here.begin())
      here.run_until_begun(number)
      assert.matches("it is being written by another download", here.assert_refused(here.path))
      local other = core.new { base_url = here.server.address, api_key = canary.key }
      local _, err = core.download(other, id, { api = "v1", download = here.path })
      assert.equal("file", err.kind)
      other:close()
      assert.equal("trajectory.zip.part", here.entries())
      send_rest()
      assert(raw_server.await(here.client, number))
      assert.equal(zip, files.read(here.path))
      local again = assert(here.begin())
      raw_server.turn(here.client, function() return #here.server.requests == 2 and here.client:progress(again) > 0 end)
      assert.is_true(here.client:cancel(again))
      here.client:next()
      assert.equal("trajectory.zip", here.entries())
    end)

    it("in another process is refused, and the first one continues", function()
      here.serve_half()
      here.run_until_begun(assert(here.begin()))
      local result = processes.child(([[
        local core = require "openhands.core"
        local client = core.new { base_url = %q, api_key = "a-key" }
        local number, err = core.download(client, %q, { api = "v1", download = %q })
        assert(number == nil)
        io.write(err.kind, " ", err.reason)
      ]]):format(here.server.address, id, here.path))
      assert.equal(0, result.code, result.errors)
      assert.matches("^file .*it is being written by another download", result.output)
      assert.equal("trajectory.zip.part", here.entries())
    end)

    it("that begins after the partial file was removed is not damaged by the first one", function()
      here.serve_half()
      here.run_until_begun(assert(here.begin()))
      assert(os.remove(here.path .. ".part"))
      local other = raw_server.new(function() return raw_server.answer("OTHER", head) end)
      local second = core.new { base_url = other.address, api_key = canary.key }
      local number = assert(core.download(second, id, { api = "v1", download = here.path, timeout = 20 }))
      here.client:close()
      assert.equal("trajectory.zip.part", here.entries()) -- of the second download
      assert(raw_server.await(second, number))
      assert.equal("OTHER", files.read(here.path))
      second:close()
      other:close()
    end)

    it("creates no file when its own partial file has been replaced", function()
      local send_rest = here.serve_in_two_parts()
      local number = assert(here.begin())
      here.run_until_begun(number)
      assert(os.remove(here.path .. ".part"))
      files.write(here.path .. ".part", "another's")
      send_rest()
      local value, err = raw_server.await(here.client, number)
      assert.is_nil(value)
      assert.equal("file", err.kind)
      assert.equal("trajectory.zip.part", here.entries())
      assert.equal("another's", files.read(here.path .. ".part"))
    end)
  end)
end)
