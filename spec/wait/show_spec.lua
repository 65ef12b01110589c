-- Waits that show how they go on: on a terminal, elsewhere, and for no one.
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

-- Begins a program with a client of the simulator.
local BEGINNING = [[
  local openhands = require "openhands"
  local simulator = require "openhands.simulator"
  local model = simulator.model { api = "v1" }
  local transport = simulator.transport(model)
  local client = openhands.new { transport = transport, api_key = "any", random = function() return 0.5 end }
]]

-- Runs a program and returns its output. `how`: a command line with "@" for that of the program. `environment`: words
-- of a shell.
local function run(program, how, environment)
  local command = ("env %s timeout 60 %s -e %s"):format(environment or "", processes.quoted(processes.interpreter()),
    processes.quoted(BEGINNING .. program))
  how = how:gsub("@@", function() return processes.quoted(command) end):gsub("@", function() return command end)
  local child = assert(io.popen(how))
  local output = child:read "*a"
  child:close()
  return output
end

local RUN = [[assert(client:run({ initial_user_msg = "Fix the typo", repository = "o/r" }, { show = true }))]]
local ON_A_TERMINAL = "env -u NO_COLOR TERM=xterm LC_ALL=C.UTF-8 script -qec @@ /dev/null 2>&1 </dev/null"

describe("a wait that shows how it goes on", function()
  it("writes a line for each state to standard error, where that is no terminal", function()
    local lines = {}
    for line in run(RUN, "@ 2>&1 >/dev/null"):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(3, #lines)
    assert.matches("starting", lines[1])
    assert.matches("https://app.all%-hands.dev/conversations/", lines[1])
    assert.matches("^o/r  running %d+s", lines[2])
    assert.matches("^Fix the typo  finished %S+  %$0.%d+  #7  Done. Opened pull request 7.  https", lines[3])
    assert.equal("", run(RUN, "@ 2>/dev/null"))
  end)

  it("changes a line in place on a terminal, several times a second", function()
    local output = run(RUN, ON_A_TERMINAL)
    local _, drawn = output:gsub("\27%[1A\r\27%[2K", "")
    assert.is_true(drawn > 20, output)
    assert.matches("\27%[34mrunning\27%[0m \27%[2m%d+s", output)
    local last = "\27%[2K%* \27%[1mFix the typo\27%[0m  \27%[32mfinished[^\n]*Done[^\n]*\n\27%[J$"
    assert.matches(last, (output:gsub("\r", "")))
    local _, lines = output:gsub("\n", "")
    assert.equal(drawn + 1, lines)
  end)

  it("shows several as a board on a terminal", function()
    local output = run([[
      local first = assert(client:start { initial_user_msg = "One" })
      local other = assert(client:start { initial_user_msg = "Two [simulate: error]" })
      assert(client:wait_all({ first, other }, { show = true }))
      assert(client:wait_any({ first, other }, { show = true }))
    ]], ON_A_TERMINAL)
    local plain = output:gsub("\27%[[0-9;]*m", ""):gsub("\27%]8[^\27]*\27\\", ""):gsub("\r", "")
    assert.matches("\27%[2KSTATE +CONVERSATION +TIME +COST", plain)
    assert.matches("\27%[2Kfailed +Two[^\n]*\n\27%[2Kfinished +One [^\n]*\n"
      .. "\27%[2K2 conversations: 1 failed, 1 finished", plain)
  end)

  it("shows nothing by default, and where it is told not to", function()
    for _, options in ipairs { "nil", "{ show = false }", "{}" } do
      local program = ([[assert(client:run({ initial_user_msg = "x" }, %s))]]):format(options)
      assert.equal("", run(program, "@ 2>&1"))
    end
  end)

  it("sends the same requests at the same times, also on a terminal", function()
    local function requests(show, how)
      local path = os.tmpname()
      run(([[
        assert(client:run({ initial_user_msg = "x" }, { show = %s }))
        local file = assert(io.open(%q, "w"))
        for _, request in ipairs(model.requests) do
          file:write(("%%s %%s %%.2f\n"):format(request.method, request.path, request.time))
        end
        file:close()
      ]]):format(tostring(show), path), how)
      local list = files.read(path):gsub("%x+%-%x+%-%x+%-%x+%-%x+", "ID")
      os.remove(path)
      return list
    end
    local usual = requests(false, "@ 2>&1")
    assert.truthy(usual:find "POST")
    assert.equal(usual, requests(true, "@ 2>&1"))
    assert.equal(usual, requests(true, ON_A_TERMINAL))
  end)

  it("shows the waits of several tasks below one another", function()
    local output = run([[
      assert(client:all {
        function() return client:run({ initial_user_msg = "One" }, { show = true }) end,
        function() return client:run({ initial_user_msg = "Two" }, { show = true }) end,
      })
    ]], ON_A_TERMINAL)
    local plain = output:gsub("\27%[[0-9;]*m", ""):gsub("\27%]8[^\27]*\27\\", ""):gsub("\r", "")
    assert.matches("\27%[2A\27%[2K[^\n]*One  running[^\n]*\n\27%[2K[^\n]*Two  running", plain)
    assert.matches("\27%[2K%* %a+  finished[^\n]*\n\27%[J$", plain)
  end)

  it("leaves the cursor below its line where the program is interrupted", function()
    local output = run([[
      local sleep, count = transport.sleep, 0
      transport.sleep = function(...)
        count = count + 1
        if count > 100 then error("interrupted!", 0) end
        return sleep(...)
      end
      assert(client:run({ initial_user_msg = "x" }, { show = true }))
    ]], ON_A_TERMINAL)
    assert.matches("running[^\n]*\n[^\27\n]*interrupted!", output)
  end)

  it("goes on where standard error is closed", function()
    assert.equal("finished\n", run([[
      print(assert(client:run({ initial_user_msg = "x" }, { show = true })).state)
    ]], "@ 2>&-"))
  end)

  it("refuses what is neither true nor false", function()
    local client = in_process.simulated { api = "v1" }
    for _, odd in ipairs { "yes", 1, {}, print } do
      for name, call in pairs {
        wait = function() return client:wait(openhands.uuid(), { show = odd }) end,
        run = function() return client:run({ initial_user_msg = "x" }, { show = odd }) end,
        wait_all = function() return client:wait_all({ openhands.uuid() }, { show = odd }) end,
        wait_any = function() return client:wait_any({ openhands.uuid() }, { show = odd }) end,
      } do
        local good, message = pcall(call)
        assert.is_false(good)
        assert.matches("show_spec.lua:%d+: openhands." .. name .. ": 'show' must be true or false, not a " .. type(odd),
          message)
      end
    end
  end)
end)

describe("what a wait shows in", function()
  -- A program in each host; `work` is the function with the wait.
  local hosts = {
    plain = "work()",
    uv = [[client:spawn(work) require("luv").run()]],
    copas = [[local copas = require "copas" copas.addthread(work) copas.loop()]],
    cqueues = [[local controller = require("cqueues").new() controller:wrap(work) assert(controller:loop())]],
  }
  local libraries = { uv = "luv", copas = "copas", cqueues = "cqueues" }

  for host, program in pairs(hosts) do
    it(host .. " changes between the polls", function()
      if libraries[host] and not pcall(require, libraries[host]) then
        return pending(libraries[host] .. " is not installed")
      end
      local service = simulator.spawn { pace = 0.02 }
      local output = run(([[
        client = openhands.new { base_url = %q, api_key = "any", loop = %q }
        local function work()
          print(assert(client:run({ initial_user_msg = "x" }, { show = true, interval = 2 })).state)
          os.exit(0) -- copas would go on
        end
        %s
      ]]):format(service.address, host, program), ON_A_TERMINAL, processes.without_leak_checks())
      service:close()
      local _, drawn = output:gsub("\27%[1A\r\27%[2K", "")
      assert.is_true(drawn >= 5, output)
      assert.matches("finished\r\n$", output)
    end)
  end
end)
