-- Downloads in child processes: umask, memory, signals, limits and the end of the Lua state.
local core = require "openhands.core"
local lfs = require "lfs"
local uv = require "luv"
local files = require "spec.support.files"
local processes = require "spec.support.processes"
local raw_download = require "spec.support.raw_download"
local raw_server = require "spec.support.raw_server"

local zip, head = raw_download.zip, raw_download.head

describe("a process that downloads", function()
  local here = raw_download.new()

  setup(raw_download.warm_up)
  before_each(here.prepare)
  after_each(here.finish)

  -- Writes a program that downloads from the server and then runs `rest` with the value, or with nil and the error.
  -- Returns its name.
  local function write_program(rest)
    local name = here.directory .. "/program"
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
    ]]):format(package.path, package.cpath, here.server.address, raw_download.id, here.path, rest))
    return name
  end

  -- Runs a command and calls `meanwhile` with its process. Returns its exit code, its signal and its output.
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

  it("creates the file with the same permissions under every umask", function()
    for _, mask in ipairs { "000", "777" } do
      here.serve(function() return raw_server.answer(zip, head) end)
      local program = here.directory .. "/program"
      files.write(program, ([[
        package.path, package.cpath = %q, %q
        local core = require "openhands.core"
        local client = core.new { base_url = %q, api_key = "a-key" }
        assert(core.download(client, %q, { api = "v1", timeout = 20, download = %q }))
        while client:in_flight() > 0 do client:step(0.05) end
        local _, value, err = client:next()
        assert(value, err and err.reason)
      ]]):format(package.path, package.cpath, here.server.address, raw_download.id, here.path))
      local code
      local child = uv.spawn("/bin/sh", {
        args = { "-c", ("umask %s; exec %s %s"):format(mask, processes.interpreter(), processes.quoted(program)) },
        stdio = { nil, nil, 2 },
      }, function(status) code = status end)
      raw_server.turn_loop(function() return code ~= nil end)
      child:close()
      assert.equal(0, code)
      os.remove(program)
      here.assert_complete({ path = here.path, bytes = #zip })
      os.remove(here.path)
      here.client:close()
      here.server:close()
    end
  end)

  it("leaves no file when its Lua state closes", function()
    here.serve_half()
    local code, program = nil, here.directory .. "/program"
    files.write(program, ([[
      package.path, package.cpath = %q, %q
      local core = require "openhands.core"
      local client = core.new { base_url = %q, api_key = "a-key" }
      local number = assert(core.download(client, %q, { api = "v1", download = %q }))
      repeat client:step(0.05) until client:progress(number) > 0
      KEPT = client
    ]]):format(package.path, package.cpath, here.server.address, raw_download.id, here.path))
    local child = uv.spawn(processes.interpreter(), { args = { program }, stdio = { nil, nil, 2 } }, function(status)
      code = status
    end)
    raw_server.turn_loop(function() return code ~= nil end)
    child:close()
    assert.equal(0, code)
    os.remove(program)
    here.assert_nothing()
  end)

  it("does not need memory in proportion to the size", function()
    if not lfs.attributes "/proc/self/status" then return pending "needs /proc" end
    local size = here.serve_large(200)
    local written = write_program 'io.write(value.bytes, " ", status "VmHWM" - idle)'
    local code, _, output = run(processes.interpreter(), { written })
    assert.equal(0, code)
    local bytes, kilobytes = output:match "^(%d+) (%d+)"
    assert.equal(size, tonumber(bytes))
    assert.equal(size, lfs.attributes(here.path, "size"))
    assert(tonumber(kilobytes) < 20 * 1024, kilobytes .. " KB")
  end)

  it("leaves a complete file or none whenever it is killed", function()
    local size = here.serve_large(50)
    local name = write_program ""
    local began = core.monotonic()
    assert.equal(0, (run(processes.interpreter(), { name })))
    local duration = core.monotonic() - began
    os.remove(here.path)
    local killed = 0
    for i = 1, 200 do
      if killed >= 40 then break end
      began = core.monotonic()
      -- spread over the duration, more densely at its end
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
        duration = math.min(duration, core.monotonic() - began) -- the first measurement was too long
      end
      if here.exists(here.path) then
        assert.equal(size, lfs.attributes(here.path, "size"))
        assert(os.remove(here.path))
      end
    end
    assert.equal(40, killed)
    assert.equal(0, (run(processes.interpreter(), { name }))) -- the partial file of a killed process does no harm
    assert.equal(size, lfs.attributes(here.path, "size"))
    assert.is_false(here.exists(here.path .. ".part"))
  end)

  it("survives the limit on file sizes, and reports an error", function()
    here.serve_large(5)
    local name = write_program 'assert(value == nil); io.write(err.kind, " ", err.reason)'
    local code, signal, output = run("/bin/sh", {
      "-c", ("ulimit -f 2048; exec %s %s"):format(processes.interpreter(), processes.quoted(name)),
    })
    assert.equal(0, signal)
    assert.equal(0, code)
    assert.equal("file File too large", output)
    assert.equal("program", here.entries())
  end)
end)
