-- A file that is downloaded: whole under its name, or not there at all, whatever the server, the disk or a signal does.

local core = require "openhands.core"
local lfs = require "lfs"
local raw_server = require "spec.support.raw_server"
local uv = require "luv"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local ID = "0123456789abcdef0123456789abcdef"
local ZIP = "PK\3\4" .. ("\0\255zip"):rep(5000)
local HEAD = "Content-Type: application/zip\r\n"

-- The system's own words for an error, which follow the locale: those of the same mistake made in Lua.
local function words_for(make)
  local directory, remove = files.directory()
  local _, words = make(directory)
  remove()
  return assert(words):gsub("^.*: ", ""):gsub("%p", "%%%0"), nil
end

local EXISTS = words_for(function(directory) return lfs.mkdir(directory) end)
local ABSENT = words_for(function(directory) return io.open(directory .. "/none/x", "w") end)
local DIRECTORY = words_for(function(directory) return io.open(directory, "w") end)
local TOO_LONG = words_for(function(directory) return io.open(directory .. "/" .. ("x"):rep(300), "w") end)
local NO_DIRECTORY = words_for(function() return io.open("/dev/null/x", "w") end)
local LINKS = words_for(function(directory)
  lfs.link("loop", directory .. "/loop", true)
  return io.open(directory .. "/loop", "w")
end)

describe("a download", function()
  local directory, remove, path, server, client, descriptors

  setup(function() -- what the loop keeps for itself is not counted below
    local ended
    local child = uv.spawn("true", {}, function() ended = true end)
    raw_server.turn_loop(function() return ended end)
    child:close()
    raw_server.new(""):close()
  end)

  before_each(function()
    collectgarbage()
    collectgarbage()
    descriptors = processes.descriptors()
    directory, remove = files.directory()
    path = directory .. "/trajectory.zip"
  end)

  after_each(function()
    if client then client:close() end
    if server then server:close() end
    client, server = nil, nil
    remove()
    raw_server.turn_loop(function() return processes.descriptors() <= descriptors end)
    assert.equal(descriptors, processes.descriptors())
  end)

  local function serve(answer)
    server = raw_server.new(answer)
    client = core.new { base_url = server.address, api_key = canary.key }
  end

  local function begin(target, options)
    local all = { api = "v1", timeout = 20, download = target or path }
    for name, value in pairs(options or {}) do all[name] = value end
    return core.download(client, ID, all)
  end

  local function download(target, options) return raw_server.await(client, assert(begin(target, options))) end

  local function exists(name) return lfs.symlinkattributes(name, "mode") ~= nil end

  local function entries()
    local names = {}
    for name in lfs.dir(directory) do
      if name ~= "." and name ~= ".." then names[#names + 1] = name end
    end
    table.sort(names)
    return table.concat(names, " ")
  end

  local function assert_nothing()
    assert.equal("", entries())
  end

  -- Until some of the body is in the part.
  local function until_begun(number)
    raw_server.turn(client, function() return (client:progress(number) or 0) > 0 end)
  end

  -- A server that says the head and some bytes, and nothing more.
  local function serve_half()
    serve(function() return raw_server.answer(ZIP, HEAD):sub(1, -1000) end)
  end

  local function refused(target, options)
    local number, err = begin(target, options)
    assert.is_nil(number)
    assert.equal("file", err.kind)
    assert.equal("download", err.operation)
    assert.is_false(err.retryable)
    assert.equal("none", err.effect)
    return err.reason
  end

  describe("is complete", function()
    local function whole(value, err)
      assert.is_nil(err)
      assert.same({ path = path, bytes = #ZIP }, value)
      assert.equal(tostring(#ZIP), tostring(value.bytes))
      assert.equal(ZIP, files.read(path))
      assert.equal("trajectory.zip", entries())
      assert.equal("rw-------", lfs.attributes(path, "permissions"))
    end

    it("by a length", function()
      serve(function() return raw_server.answer(ZIP, HEAD) end)
      whole(download())
    end)

    it("in chunks", function()
      serve(("HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n1\r\n%s\r\n0\r\n\r\n"):format(HEAD,
        #ZIP - 1, ZIP:sub(1, -2), ZIP:sub(-1)))
      whole(download())
    end)

    it("by HTTP/1.0, with a length", function()
      serve("HTTP/1.0 200 OK\r\n" .. HEAD .. "Content-Length: " .. #ZIP .. "\r\n\r\n" .. ZIP)
      whole(download())
    end)

    it("whatever the umask is", function()
      -- 0 and 0777 as the shell has them: a child each
      for _, mask in ipairs { "000", "777" } do
        serve(function() return raw_server.answer(ZIP, HEAD) end)
        local program = directory .. "/program"
        files.write(program, ([[
          package.path, package.cpath = %q, %q
          local core = require "openhands.core"
          local client = core.new { base_url = %q, api_key = "a-key" }
          assert(core.download(client, %q, { api = "v1", timeout = 20, download = %q }))
          while client:in_flight() > 0 do client:step(0.05) end
          local _, value, err = client:next()
          assert(value, err and err.reason)
        ]]):format(package.path, package.cpath, server.address, ID, path))
        local code
        local child = uv.spawn("/bin/sh", {
          args = { "-c", ("umask %s; exec %s %s"):format(mask, processes.interpreter(), processes.quoted(program)) },
          stdio = { nil, nil, 2 },
        }, function(status) code = status end)
        raw_server.turn_loop(function() return code ~= nil end)
        child:close()
        assert.equal(0, code)
        os.remove(program)
        whole({ path = path, bytes = #ZIP })
        os.remove(path)
        client:close()
        server:close()
      end
    end)

    it("in place of an older file, which stands until then", function()
      files.write(path, "old")
      local rest
      serve(function(_, connection)
        rest = function() connection:write(ZIP:sub(-1000)) end
        return raw_server.answer(ZIP, HEAD):sub(1, -1001)
      end)
      local number = assert(begin())
      until_begun(number)
      assert.equal("old", files.read(path))
      assert.equal("rw-------", lfs.attributes(path .. ".part", "permissions"))
      rest()
      whole(raw_server.await(client, number))
    end)

    it("in place of a link, and not of what it points to", function()
      files.write(directory .. "/other", "other")
      assert(lfs.link("other", path, true))
      serve(function() return raw_server.answer(ZIP, HEAD) end)
      assert(download())
      assert.equal("other", files.read(directory .. "/other"))
      assert.equal("file", lfs.symlinkattributes(path, "mode"))
      assert.equal(ZIP, files.read(path))
    end)

    it("over a partial file that a killed process left", function()
      files.write(path .. ".part", ("left"):rep(100000))
      serve(function() return raw_server.answer(ZIP, HEAD) end)
      whole(download())
    end)

    it("when it is empty and says so", function()
      serve(function() return raw_server.answer("", HEAD) end)
      assert.same({ path = path, bytes = 0 }, (download()))
      assert.equal("", files.read(path))
    end)

    it("as it is on the server: it is requested uncompressed", function()
      serve(function() return raw_server.answer(ZIP, HEAD .. "Content-Encoding: identity\r\n") end)
      whole(download())
      assert.equal("identity", server.requests[1].headers["accept-encoding"])
    end)

    it("under a name without a directory", function()
      serve(function() return raw_server.answer(ZIP, HEAD) end)
      local here = lfs.currentdir()
      assert(lfs.chdir(directory))
      local value, err = download "trajectory.zip"
      assert(lfs.chdir(here))
      assert.same({ path = "trajectory.zip", bytes = #ZIP }, value, err and err.reason)
      assert.equal(ZIP, files.read(path))
    end)

    it("larger than an answer may be", function()
      serve(function() return raw_server.answer(ZIP, HEAD) end)
      whole(download(path, { max_body = 10 }))
    end)
  end)

  describe("leaves no file", function()
    local function fails(kind, answer)
      serve(answer)
      local value, err = download()
      assert.is_nil(value)
      assert.equal(kind, err.kind, err.reason)
      assert.equal("download", err.operation)
      canary.assert_no_secret(err)
      assert_nothing()
      return err
    end

    -- Nobody would notice that a packed body is cut.
    it("of a compressed body that was not requested, complete or not", function()
      local packed = "\31\139\8\0\0\0\0\0\0\3\43\201\72\85\72\203\204\73\5\0\96\26\66\193\8\0\0\0"
      for _, bytes in ipairs { packed, packed:sub(1, 14), packed:sub(1, -9) } do
        local err = fails("protocol", function()
          return raw_server.answer(bytes, HEAD .. "Content-Encoding: gzip\r\n")
        end)
        assert.is_truthy(err.reason)
        client:close()
        server:close()
      end
    end)

    it("when nothing tells where the body ends", function()
      for _, body in ipairs { ZIP, "" } do
        for _, head in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 OK\r\n" } do
          for _, line in ipairs { "", "Transfer-Encoding: identity\r\n" } do
            local err = fails("protocol", head .. HEAD .. line .. "\r\n" .. body)
            assert.is_true(err.retryable)
            assert.matches("does not mark its end", err.reason)
            client:close()
            server:close()
          end
        end
      end
    end)

    it("when it is cut off anywhere", function()
      local with_length = raw_server.answer("0123456789", HEAD)
      local in_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"
      for _, answer in ipairs { with_length, in_chunks } do
        local kept = 1
        serve(function(_, connection)
          connection:write(answer:sub(1, kept))
          connection:close()
        end)
        for length = 1, #answer - 1 do
          kept = length
          local value, err = download()
          local all_there = answer == in_chunks and value and files.read(path) == "0123456789"
          assert(value == nil or all_there, ("whole after %d of %d bytes"):format(length, #answer))
          if value then
            os.remove(path)
          else
            assert.is_truthy(err.kind == "protocol" or err.kind == "connect", err.kind)
          end
          assert_nothing()
        end
        client:close()
        server:close()
      end
    end)

    it("when the service answers with an error", function()
      local err = fails("not_found", raw_server.answer('{"detail":"no such conversation"}', nil, "404 Not Found"))
      assert.same({ detail = "no such conversation" }, err.detail)
      assert.equal(404, err.status)
    end)

    it("when the answer is HTML", function()
      fails("protocol", raw_server.answer("<html>" .. ZIP, "Content-Type: text/html; charset=utf-8\r\n"))
    end)

    for status in ("204 No Content/206 Partial Content/201 Created/302 Found/304 Not Modified"):gmatch "[^/]+" do
      it("when the answer is " .. status, function()
        local body = status:find "^[23]04" and "" or ZIP
        local err = fails("protocol", raw_server.answer(body, HEAD .. "Location: /elsewhere\r\n", status))
        assert.equal(tonumber(status:match "%d+"), err.status)
        assert.equal(1, #server.requests)
      end)
    end

    it("when it is compressed in an unknown way", function()
      fails("protocol", raw_server.answer(ZIP, HEAD .. "Content-Encoding: x-unknown\r\n"))
    end)

    it("when an error is larger than an answer may be", function()
      serve(function() return raw_server.answer(ZIP, HEAD, "500 Oh") end)
      local value, err = download(path, { max_body = 100 })
      assert.is_nil(value)
      assert.equal("server", err.kind)
      assert_nothing()
    end)

    it("when there is no server", function()
      serve ""
      server:close()
      local value, err = download()
      server = nil
      assert.is_nil(value)
      assert.equal("connect", err.kind)
      assert_nothing()
    end)

    it("when its time is over", function()
      serve_half()
      local value, err = download(path, { timeout = 0.2 })
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert_nothing()
    end)

    it("when it is cancelled", function()
      serve_half()
      local number = assert(begin())
      until_begun(number)
      assert.equal("trajectory.zip.part", entries())
      assert.is_true(client:cancel(number))
      local _, value, err = client:next()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      assert_nothing()
    end)

    it("when the client is closed or collected", function()
      for _, leave in ipairs { function() client:close() end, collectgarbage } do
        serve_half()
        until_begun(assert(begin()))
        assert.equal("trajectory.zip.part", entries())
        if leave == collectgarbage then client = nil end
        leave()
        leave()
        client = nil
        assert_nothing()
        server:close()
      end
    end)

    it("when the state closes", function()
      serve_half()
      local code, program = nil, directory .. "/program"
      files.write(program, ([[
        package.path, package.cpath = %q, %q
        local core = require "openhands.core"
        local client = core.new { base_url = %q, api_key = "a-key" }
        local number = assert(core.download(client, %q, { api = "v1", download = %q }))
        repeat client:step(0.05) until client:progress(number) > 0
        KEPT = client
      ]]):format(package.path, package.cpath, server.address, ID, path))
      local child = uv.spawn(processes.interpreter(), { args = { program }, stdio = { nil, nil, 2 } }, function(status)
        code = status
      end)
      raw_server.turn_loop(function() return code ~= nil end)
      child:close()
      assert.equal(0, code)
      os.remove(program)
      assert_nothing()
    end)
  end)

  describe("is refused before it is asked for", function()
    before_each(function() serve_half() end)
    after_each(function()
      assert.equal(0, client:in_flight())
      assert.equal(0, #server.requests)
    end)

    it("in the place of a pipe or a device", function()
      assert(os.execute("mkfifo " .. processes.quoted(path)))
      assert.matches(EXISTS, refused(path))
      assert.equal("named pipe", lfs.attributes(path, "mode"))
      assert.is_false(exists(path .. ".part"))
      assert(os.remove(path))
    end)

    it("where no file can be made", function()
      assert.matches(ABSENT, refused(directory .. "/none/x.zip"))
      assert.matches(DIRECTORY, refused(directory))
      lfs.mkdir(path)
      assert.matches(DIRECTORY, refused(path))
      assert.equal("trajectory.zip", entries())
      lfs.rmdir(path)
      lfs.mkdir(path .. ".part")
      assert.matches(DIRECTORY, refused(path))
      lfs.rmdir(path .. ".part")
      assert.matches(TOO_LONG, refused(directory .. "/" .. ("x"):rep(252)))
      files.write(directory .. "/file", "")
      assert.matches(NO_DIRECTORY, refused(directory .. "/file/x.zip"))
      assert.equal("file", entries())
    end)

    it("where the system lets nobody write", function()
      if lfs.attributes("/proc/self", "mode") ~= "directory" then return pending "needs /proc" end
      assert.is_string(refused "/proc/self/x.zip")
    end)

    it("where the partial file is not ours alone", function()
      files.write(directory .. "/other", "other")
      lfs.link("other", path .. ".part", true)
      assert.matches(LINKS, refused(path))
      os.remove(path .. ".part")
      lfs.link(directory .. "/other", path .. ".part")
      assert.matches(EXISTS, refused(path))
      assert.equal("other", files.read(directory .. "/other"))
      os.remove(path .. ".part")
      os.execute("mkfifo " .. processes.quoted(path .. ".part"))
      assert.is_string(refused(path)) -- and nobody waits for a reader
      assert.equal("named pipe", lfs.attributes(path .. ".part", "mode"))
      os.remove(path .. ".part")
      lfs.link("/dev/full", path .. ".part", true)
      assert.matches(LINKS, refused(path))
    end)

    it("for a mistake in the arguments", function()
      for _, case in ipairs {
        { core.download, ID, { api = "v1" }, "needs the path of the file to make" },
        { core.download, ID, { api = "v1", download = "" }, "download is empty" },
        { core.download, ID, { api = "v1", download = "a\0b" }, "download contains a NUL byte" },
        { core.download, ID, { api = "v1", download = 7 }, "download must be a string" },
        { core.download, "x/y", { api = "v1", download = path }, "'conversation_id' is not an id" },
        { core.status, ID, { api = "v1", download = path }, "status: does not answer a file" },
        { core.request, { path = "/" }, { download = path }, "request: does not answer a file" },
      } do
        local good, message = pcall(case[1], client, case[2], case[3])
        assert.is_false(good)
        assert.matches(case[4], message)
        assert_nothing()
      end
    end)
  end)

  describe("beside another to the same path", function()
    it("in this process is refused, and the first one continues", function()
      local rest
      serve(function(_, connection)
        rest = function() connection:write(ZIP:sub(-1000)) end
        return raw_server.answer(ZIP, HEAD):sub(1, -1001)
      end)
      local number = assert(begin())
      until_begun(number)
      assert.matches("it is being written by another download", refused(path))
      local other = core.new { base_url = server.address, api_key = canary.key }
      local _, err = core.download(other, ID, { api = "v1", download = path })
      assert.equal("file", err.kind)
      other:close()
      assert.equal("trajectory.zip.part", entries())
      rest()
      assert(raw_server.await(client, number))
      assert.equal(ZIP, files.read(path))
      local again = assert(begin())
      raw_server.turn(client, function() return #server.requests == 2 and client:progress(again) > 0 end)
      assert.is_true(client:cancel(again))
      client:next()
      assert.equal("trajectory.zip", entries())
    end)

    it("in another process is refused, and the first one continues", function()
      serve_half()
      until_begun(assert(begin()))
      local result = processes.child(([[
        local core = require "openhands.core"
        local client = core.new { base_url = %q, api_key = "a-key" }
        local number, err = core.download(client, %q, { api = "v1", download = %q })
        assert(number == nil)
        io.write(err.kind, " ", err.reason)
      ]]):format(server.address, ID, path))
      assert.equal(0, result.code, result.errors)
      assert.matches("^file .*it is being written by another download", result.output)
      assert.equal("trajectory.zip.part", entries())
    end)

    it("that began after the partial file was removed is not damaged by the first one", function()
      serve_half()
      until_begun(assert(begin()))
      assert(os.remove(path .. ".part"))
      local other = raw_server.new(function() return raw_server.answer("OTHER", HEAD) end)
      local second = core.new { base_url = other.address, api_key = canary.key }
      local number = assert(core.download(second, ID, { api = "v1", download = path, timeout = 20 }))
      client:close()
      assert.equal("trajectory.zip.part", entries()) -- the second's
      assert(raw_server.await(second, number))
      assert.equal("OTHER", files.read(path))
      second:close()
      other:close()
    end)

    it("makes no file when its partial file is gone", function()
      local rest
      serve(function(_, connection)
        rest = function() connection:write(ZIP:sub(-1000)) end
        return raw_server.answer(ZIP, HEAD):sub(1, -1001)
      end)
      local number = assert(begin())
      until_begun(number)
      assert(os.remove(path .. ".part"))
      files.write(path .. ".part", "another's")
      rest()
      local value, err = raw_server.await(client, number)
      assert.is_nil(value)
      assert.equal("file", err.kind)
      assert.equal("trajectory.zip.part", entries())
      assert.equal("another's", files.read(path .. ".part"))
    end)
  end)

  it("reports its progress", function()
    local go_on = {}
    serve(function(_, connection)
      go_on.body = function() connection:write(ZIP:sub(1, 1000)) end
      go_on.rest = function() connection:write(ZIP:sub(1001)) end
      return ("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n"):format(HEAD, #ZIP)
    end)
    local number = assert(begin())
    assert.same({ 0 }, { client:progress(number) })
    raw_server.turn(client, function() return select("#", client:progress(number)) == 2 end)
    assert.same({ 0, #ZIP }, { client:progress(number) })
    go_on.body()
    raw_server.turn(client, function() return client:progress(number) > 0 end)
    assert.same({ 1000, #ZIP }, { client:progress(number) })
    go_on.rest()
    raw_server.turn(client, function() return client:in_flight() == 0 end)
    assert.is_nil(client:progress(number))
    client:next()
    assert.is_nil(client:progress(number))
    assert.is_nil(client:progress(12345))
    for _, bad in ipairs { 0, -1, 0.5, 0 / 0, 1 / 0, "x" } do assert.is_false((pcall(client.progress, client, bad))) end
  end)

  it("reports nothing of the answer before", function()
    serve(function() return raw_server.answer '{"id":"x"}' end)
    for _ = 1, 3 do
      local number = assert(core.me(client, nil, { api = "v1", timeout = 20 }))
      assert.same({ 0 }, { client:progress(number) })
      raw_server.await(client, number)
    end
  end)

  it("reports no length where the server has sent none", function()
    serve(function() return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n" end)
    local number = assert(begin())
    until_begun(number)
    assert.same({ 5 }, { client:progress(number) })
  end)

  -- Children that download ---------------------------------------------------------------------------------------

  -- A program that downloads from the server; `rest` is run with the value, or nil and the error.
  local function program(rest)
    local name = directory .. "/program"
    files.write(name, ([[
      package.path, package.cpath = %q, %q
      local core = require "openhands.core"
      local client = core.new { base_url = %q, api_key = "a-key" }
      local function status(field)
        for line in io.lines "/proc/self/status" do
          local kilobytes = line:match("^" .. field .. ":%%s*(%%d+)")
          if kilobytes then return tonumber(kilobytes) end
        end
      end
      collectgarbage()
      local idle = status "VmRSS"
      local number = assert(core.download(client, %q, { api = "v1", download = %q }))
      while client:in_flight() > 0 do client:step(0.05) end
      local _, value, err = client:next()
      %s
    ]]):format(package.path, package.cpath, server.address, ID, path, rest))
    return name
  end

  -- Runs it; the function gets its process. Gives its exit code, its signal and what it wrote.
  local function run(command, arguments, meanwhile)
    local code, signal, output, output_ended = nil, nil, {}, false
    local pipe = uv.new_pipe(false)
    local child = assert(uv.spawn(command, { args = arguments, stdio = { nil, pipe, 2 } }, function(status, number)
      code, signal = status, number
    end))
    pipe:read_start(function(_, piece)
      output[#output + 1] = piece
      output_ended = output_ended or piece == nil
    end)
    if meanwhile then meanwhile(child) end
    raw_server.turn_loop(function() return code ~= nil and output_ended end)
    pipe:close()
    child:close()
    uv.run "nowait"
    return code, signal, table.concat(output)
  end

  local function large(megabytes, poured)
    local piece = ("0123456789abcdef"):rep(65536)
    serve(function(_, connection)
      connection:write(("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n"):format(HEAD, megabytes * #piece))
      connection:pour(piece, megabytes, poured or function() end)
    end)
    return megabytes * #piece
  end

  it("takes no memory in proportion to its size", function()
    if not lfs.attributes "/proc/self/status" then return pending "needs /proc" end
    local size = large(200)
    local written = program 'io.write(value.bytes, " ", status "VmHWM" - idle)'
    local code, _, output = run(processes.interpreter(), { written })
    assert.equal(0, code)
    local bytes, kilobytes = output:match "^(%d+) (%d+)"
    assert.equal(size, tonumber(bytes))
    assert.equal(size, lfs.attributes(path, "size"))
    assert(tonumber(kilobytes) < 20 * 1024, kilobytes .. " KB")
  end)

  it("delays no read, however many downloads there are", function()
    serve(function(request)
      if request.target:find("/users/me", 1, true) then return raw_server.answer '{"id":"x"}' end
      return raw_server.answer(ZIP, HEAD):sub(1, -1000)
    end)
    local numbers = {}
    for i = 1, 12 do numbers[i] = assert(begin(path .. i)) end
    raw_server.turn(client, function()
      for _, number in ipairs(numbers) do
        if (client:progress(number) or 0) == 0 then return false end
      end
      return true
    end)
    local number = assert(core.me(client, nil, { api = "v1", timeout = 20 }))
    raw_server.turn(client, function() return client:in_flight() == 12 end)
    assert.same({ number, { id = "x" } }, { client:next() })
  end)

  -- What is no file but wanted as it is has nothing in it either that tells whether it is whole.
  it("is checked in the same way where it does not go to a file", function()
    local secret = { sandbox_id = "s", name = "TOKEN", session_api_key = "a-session-key-of-a-spec" }
    local function ask()
      return raw_server.await(client, assert(core["sandboxes.secret"](client, secret, { api = "v1" })))
    end
    serve(function() return raw_server.answer("the value", "Content-Type: text/plain\r\n") end)
    assert.equal("the value", (ask()))
    client:close()
    server:close()
    for _, answer in ipairs {
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nthe va",
      raw_server.answer("the value", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"),
    } do
      serve(answer)
      local value, err = ask()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      client:close()
      server:close()
    end
  end)

  it("is whole or absent whenever its process is killed", function()
    local size = large(50)
    local name = program ""
    local began = core.monotonic()
    assert.equal(0, (run(processes.interpreter(), { name })))
    local duration = core.monotonic() - began
    os.remove(path)
    local killed = 0
    for i = 1, 200 do
      if killed >= 40 then break end
      began = core.monotonic()
      -- spread over the whole, more densely about its end
      local part = i % 20 / 20
      local moment = duration * (i % 2 == 0 and part or 0.85 + part / 5)
      local _, signal = run(processes.interpreter(), { name }, function(child)
        local timer = uv.new_timer()
        timer:start(math.floor(moment * 1000), 0, function()
          if child:is_active() then child:kill "sigkill" end
          timer:close()
        end)
      end)
      if signal == 9 then
        killed = killed + 1
      else
        duration = math.min(duration, core.monotonic() - began) -- the first one was slow
      end
      if exists(path) then
        assert.equal(size, lfs.attributes(path, "size"))
        assert(os.remove(path))
      end
    end
    assert.equal(40, killed)
    assert.equal(0, (run(processes.interpreter(), { name }))) -- what they left hinders nobody
    assert.equal(size, lfs.attributes(path, "size"))
    assert.is_false(exists(path .. ".part"))
  end)

  it("beyond the host's limit on file sizes is an error, and the host survives", function()
    large(5)
    local name = program 'assert(value == nil); io.write(err.kind, " ", err.reason)'
    local code, signal, output = run("/bin/sh", {
      "-c", ("ulimit -f 2048; exec %s %s"):format(processes.interpreter(), processes.quoted(name)),
    })
    assert.equal(0, signal)
    assert.equal(0, code)
    assert.equal("file File too large", output)
    assert.equal("program", entries())
  end)
end)
