-- A download that succeeds: the file is complete under its name, and progress is reported.
local lfs = require "lfs"
local core = require "openhands.core"
local files = require "spec.support.files"
local raw_download = require "spec.support.raw_download"
local raw_server = require "spec.support.raw_server"

local zip, head = raw_download.zip, raw_download.head

describe("a download", function()
  local here = raw_download.new()

  setup(raw_download.warm_up)
  before_each(here.prepare)
  after_each(here.finish)

  describe("is complete", function()
    it("with a Content-Length", function()
      here.serve(function() return raw_server.answer(zip, head) end)
      here.assert_complete(here.download())
    end)

    it("in chunks", function()
      here.serve(("HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n1\r\n%s\r\n0\r\n\r\n"):format(
        head, #zip - 1, zip:sub(1, -2), zip:sub(-1)))
      here.assert_complete(here.download())
    end)

    it("with a Content-Length in HTTP/1.0", function()
      here.serve("HTTP/1.0 200 OK\r\n" .. head .. "Content-Length: " .. #zip .. "\r\n\r\n" .. zip)
      here.assert_complete(here.download())
    end)

    it("in place of an older file, which is kept until then", function()
      files.write(here.path, "old")
      local send_rest = here.serve_in_two_parts()
      local number = assert(here.begin())
      here.run_until_begun(number)
      assert.equal("old", files.read(here.path))
      assert.equal("rw-------", lfs.attributes(here.path .. ".part", "permissions"))
      send_rest()
      here.assert_complete(raw_server.await(here.client, number))
    end)

    it("over a partial file that a killed process left", function()
      files.write(here.path .. ".part", ("left"):rep(100000))
      here.serve(function() return raw_server.answer(zip, head) end)
      here.assert_complete(here.download())
    end)

    it("when its length is 0", function()
      here.serve(function() return raw_server.answer("", head) end)
      assert.same({ path = here.path, bytes = 0 }, (here.download()))
      assert.equal("", files.read(here.path))
    end)

    it("and requested uncompressed", function()
      here.serve(function() return raw_server.answer(zip, head .. "Content-Encoding: identity\r\n") end)
      here.assert_complete(here.download())
      assert.equal("identity", here.server.requests[1].headers["accept-encoding"])
    end)

    it("under a name without a directory", function()
      here.serve(function() return raw_server.answer(zip, head) end)
      local working_directory = lfs.currentdir()
      assert(lfs.chdir(here.directory))
      local value, err = here.download "trajectory.zip"
      assert(lfs.chdir(working_directory))
      assert.same({ path = "trajectory.zip", bytes = #zip }, value, err and err.reason)
      assert.equal(zip, files.read(here.path))
    end)

    it("when it exceeds max_body", function()
      here.serve(function() return raw_server.answer(zip, head) end)
      here.assert_complete(here.download(here.path, { max_body = 10 }))
    end)
  end)

  it("reports its progress", function()
    local go_on = {}
    here.serve(function(_, connection)
      go_on.body = function() connection:write(zip:sub(1, 1000)) end
      go_on.rest = function() connection:write(zip:sub(1001)) end
      return ("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n"):format(head, #zip)
    end)
    local number = assert(here.begin())
    assert.same({ 0 }, { here.client:progress(number) })
    raw_server.turn(here.client, function() return select("#", here.client:progress(number)) == 2 end)
    assert.same({ 0, #zip }, { here.client:progress(number) })
    go_on.body()
    raw_server.turn(here.client, function() return here.client:progress(number) > 0 end)
    assert.same({ 1000, #zip }, { here.client:progress(number) })
    go_on.rest()
    raw_server.turn(here.client, function() return here.client:in_flight() == 0 end)
    assert.is_nil(here.client:progress(number))
    here.client:next()
    assert.is_nil(here.client:progress(number))
    assert.is_nil(here.client:progress(12345))
    for _, bad in ipairs { 0, -1, 0.5, 0 / 0, 1 / 0, "x" } do
      assert.is_false((pcall(here.client.progress, here.client, bad)))
    end
  end)

  it("reports nothing of the previous answer", function()
    here.serve(function() return raw_server.answer '{"id":"x"}' end)
    for _ = 1, 3 do
      local number = assert(core.me(here.client, nil, { api = "v1", timeout = 20 }))
      assert.same({ 0 }, { here.client:progress(number) })
      raw_server.await(here.client, number)
    end
  end)

  it("reports no length where the server has sent none", function()
    here.serve(function() return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n" end)
    local number = assert(here.begin())
    here.run_until_begun(number)
    assert.same({ 5 }, { here.client:progress(number) })
  end)

  it("does not delay a read, even when there are many downloads", function()
    here.serve(function(request)
      if request.target:find("/users/me", 1, true) then return raw_server.answer '{"id":"x"}' end
      return raw_server.answer(zip, head):sub(1, -1000)
    end)
    local numbers = {}
    for i = 1, 12 do numbers[i] = assert(here.begin(here.path .. i)) end
    raw_server.turn(here.client, function()
      for _, number in ipairs(numbers) do
        if (here.client:progress(number) or 0) == 0 then return false end
      end
      return true
    end)
    local number = assert(core.me(here.client, nil, { api = "v1", timeout = 20 }))
    raw_server.turn(here.client, function() return here.client:in_flight() == 12 end)
    assert.same({ number, { id = "x" } }, { here.client:next() })
  end)
end)
