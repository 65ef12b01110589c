--- Downloads from a raw server into a directory of their own, which is checked for what they leave behind.
local core = require "openhands.core"
local assert = require "luassert"
local lfs = require "lfs"
local uv = require "luv"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"
local raw_server = require "spec.support.raw_server"

local M = {}

M.id = "0123456789abcdef0123456789abcdef"
M.zip = "PK\3\4" .. ("\0\255zip"):rep(5000)
M.head = "Content-Type: application/zip\r\n"

--- Lets the loop create the descriptors that it keeps, so that they are not counted as left behind.
function M.warm_up()
  local ended
  local child = uv.spawn("true", {}, function() ended = true end)
  raw_server.turn_loop(function() return ended end)
  child:close()
  raw_server.new(""):close()
end

--- Returns functions that are called without `self`, and fields that `prepare` and `serve` set. The spec calls
--- `prepare` before each case and `finish` after it.
function M.new()
  local here = {}

  --- Creates the directory, and names the file to download.
  function here.prepare()
    collectgarbage()
    collectgarbage()
    here.descriptors = processes.descriptors()
    here.directory, here.remove_directory = files.directory()
    here.path = here.directory .. "/trajectory.zip"
  end

  --- Closes the client and the server. Fails if a descriptor is still open.
  function here.finish()
    if here.client then here.client:close() end
    if here.server then here.server:close() end
    here.client, here.server = nil, nil
    here.remove_directory()
    raw_server.turn_loop(function() return processes.descriptors() <= here.descriptors end)
    assert.equal(here.descriptors, processes.descriptors())
  end

  --- Starts a server and creates its client.
  ---@param answer string|function as for `raw_server.new`
  function here.serve(answer)
    here.server = raw_server.new(answer)
    here.client = core.new { base_url = here.server.address, api_key = canary.key }
  end

  --- Starts a server that sends the head and a part of the body, and then nothing.
  function here.serve_half()
    here.serve(function() return raw_server.answer(M.zip, M.head):sub(1, -1000) end)
  end

  --- Starts a server that sends the end of the body only when the returned function is called.
  ---@return fun() send_rest
  function here.serve_in_two_parts()
    local rest
    here.serve(function(_, connection)
      rest = function() connection:write(M.zip:sub(-1000)) end
      return raw_server.answer(M.zip, M.head):sub(1, -1001)
    end)
    return function() rest() end
  end

  --- Starts a server that sends many megabytes.
  ---@param megabytes integer
  ---@return integer bytes
  function here.serve_large(megabytes)
    local piece = ("0123456789abcdef"):rep(65536)
    here.serve(function(_, connection)
      connection:write(("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n"):format(M.head, megabytes * #piece))
      connection:pour(piece, megabytes, function() end)
    end)
    return megabytes * #piece
  end

  --- Begins a download.
  ---@param target string? default: `here.path`
  ---@param options table?
  ---@return integer? number, table? err
  function here.begin(target, options)
    local all = { api = "v1", timeout = 20, download = target or here.path }
    for name, value in pairs(options or {}) do all[name] = value end
    return core.download(here.client, M.id, all)
  end

  --- Downloads, and returns the result.
  function here.download(target, options) return raw_server.await(here.client, assert(here.begin(target, options))) end

  --- Runs the client until a part of the body is in the partial file.
  ---@param number integer of the download
  function here.run_until_begun(number)
    raw_server.turn(here.client, function() return (here.client:progress(number) or 0) > 0 end)
  end

  --- Returns whether a name exists, even as a link without a target.
  ---@param name string
  ---@return boolean
  function here.exists(name) return lfs.symlinkattributes(name, "mode") ~= nil end

  --- Returns the names in the directory, in one line.
  ---@return string
  function here.entries()
    local names = {}
    for name in lfs.dir(here.directory) do
      if name ~= "." and name ~= ".." then names[#names + 1] = name end
    end
    table.sort(names)
    return table.concat(names, " ")
  end

  --- Fails unless the directory is empty.
  function here.assert_nothing() assert.equal("", here.entries()) end

  --- Fails unless the result is the complete file.
  function here.assert_complete(value, err)
    assert.is_nil(err)
    assert.same({ path = here.path, bytes = #M.zip }, value)
    assert.equal(tostring(#M.zip), tostring(value.bytes))
    assert.equal(M.zip, files.read(here.path))
    assert.equal("trajectory.zip", here.entries())
    assert.equal("rw-------", lfs.attributes(here.path, "permissions"))
  end

  --- Fails unless a download is refused before it is sent.
  ---@return string reason
  function here.assert_refused(target, options)
    local number, err = here.begin(target, options)
    assert.is_nil(number)
    assert.equal("file", err.kind)
    assert.equal("download", err.operation)
    assert.is_false(err.retryable)
    assert.equal("none", err.effect)
    return err.reason
  end

  return here
end

return M
