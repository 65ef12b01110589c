--- Runs `bin/openhands-lua` as a process of its own, with a directory for its configuration and state, and a simulator.
local canary = require "spec.support.canary"
local cjson = require "cjson"
local files = require "spec.support.files"
local openhands = require "openhands"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local M = {}

local LIMIT = 60 -- seconds for one run
local NOBODY = "http://127.0.0.1:1" -- no service listens there
local quoted = processes.quoted

local UNSET = "-u OPENHANDS_API_KEY -u OPENHANDS_CLOUD_API_KEY -u SESSION_API_KEY -u OPENHANDS_BASE_URL "
  .. "-u OPENHANDS_API -u NO_COLOR -u CLICOLOR_FORCE -u COLUMNS"

--- How one run of the command ended.
---@class spec.CommandResult
---@field status integer
---@field output string what it wrote to stdout
---@field errors string what it wrote to stderr
---@field json any the value in `output`, if asked for with `--json`

--- What a run may be given.
---@class spec.CommandOptions
---@field input string? standard input
---@field environment table<string, string|false>? further variables; false: not set
---@field keeps_key boolean? the key may stand in the output

--- The place of runs of the command.
---@class spec.CommandPlace
---@field service openhands.simulator.Handle? the service of the runs
---@field directory string

-- Returns a place that has no directory yet.
local function new()
  local place = {}
  local remove

  --- Removes the directory, if there is one.
  function place.remove()
    if remove then remove() end
    place.directory, remove = nil, nil
  end

  --- Gives the place a new directory, which is empty.
  function place.renew()
    place.remove()
    place.directory, remove = files.directory()
  end

  --- Returns the words of a shell that run the command.
  ---@param words string as for a shell
  ---@param environment table<string, string|false>?
  ---@return string
  function place.shell(words, environment)
    local values = {
      OPENHANDS_BASE_URL = place.service and place.service.address or NOBODY, OPENHANDS_API_KEY = canary.key,
      HOME = place.directory, XDG_CONFIG_HOME = place.directory .. "/config",
      XDG_STATE_HOME = place.directory .. "/state", LC_ALL = "C.UTF-8", TERM = "xterm",
    }
    local unset = ""
    for name, value in pairs(environment or {}) do
      values[name] = value or nil
      unset = unset .. (value and "" or " -u " .. name)
    end
    local list = {}
    for name, value in pairs(values) do list[#list + 1] = name .. "=" .. quoted(value) end
    return ("env %s%s %s %s %s bin/openhands-lua %s"):format(UNSET, unset, processes.without_leak_checks(),
      table.concat(list, " "), quoted(processes.interpreter()), words)
  end

  --- Runs the command, and waits for its end. Fails if the key stands in what it wrote.
  ---@param words string
  ---@param options spec.CommandOptions?
  ---@return spec.CommandResult
  function place.run(words, options)
    options = options or {}
    local base = os.tmpname()
    files.write(base .. ".in", options.input or "")
    local shell = assert(io.popen(("timeout %d %s <%s.in >%s.out 2>%s.err; echo $?"):format(LIMIT,
      place.shell(words, options.environment), base, base, base)))
    local result = { status = tonumber(shell:read "*l") }
    shell:close()
    result.output, result.errors = files.read(base .. ".out"), files.read(base .. ".err")
    for _, extension in ipairs { "", ".in", ".out", ".err" } do os.remove(base .. extension) end
    if not options.keeps_key then
      for _, text in ipairs { result.output, result.errors } do
        if text:find(canary.key, 1, true) then error("the key stands in: " .. text, 2) end
      end
    end
    if words:find("--json", 1, true) and not words:find("--jsonl", 1, true) and result.output ~= "" then
      result.json = cjson.decode(result.output)
    end
    return result
  end

  --- Adds items to a fleet, and starts none.
  ---@param name string
  ---@param items table[]
  ---@param ledger string? path; default: the one of the command
  function place.add_items(name, items, ledger)
    local state = place.directory .. "/state/openhands"
    os.execute("mkdir -m 700 -p " .. quoted(state))
    local client = openhands.new { base_url = place.service.address, api_key = canary.key }
    local fleet = assert(client:fleet { name = name, ledger = ledger or state .. "/ledger.db" })
    assert(fleet:add(items))
    fleet:close()
    client:close()
  end

  --- Runs the command, which must succeed. Returns what it wrote to stdout, without the last line break.
  ---@param words string
  ---@param options spec.CommandOptions?
  ---@return string
  function place.output(words, options)
    local result = place.run(words, options)
    if result.status ~= 0 then error(("%s: status %s: %s"):format(words, result.status, result.errors), 2) end
    return (result.output:gsub("\n$", ""))
  end

  --- Runs the command in a terminal of its own, of 100 columns.
  ---@param words string
  ---@param environment table<string, string|false>?
  ---@param types string? shell that writes what the person types, e.g. `printf '\003'`; `$screen` is what was shown
  ---@return string screen all that was written to the terminal
  ---@return integer status
  function place.on_terminal(words, environment, types)
    local screen = os.tmpname()
    local command = "stty cols 100 rows 20; " .. place.shell(words, environment)
    local shell = assert(io.popen(("screen=%s; (%s) | timeout %d script -qfec %s %s >/dev/null 2>&1; echo $?"):format(
      screen, types or ":", LIMIT, quoted(command), screen)))
    local status = tonumber(shell:read "*l")
    shell:close()
    local text = files.read(screen):gsub("^Script started[^\n]*\n", ""):gsub("\nScript done[^\n]*\n$", "")
    os.remove(screen)
    if text:find(canary.key, 1, true) then error("the key stands on the terminal", 2) end
    return text, status
  end

  --- Begins the command, and reads what it writes to stdout and stderr as it comes.
  ---@param words string
  ---@param environment table<string, string|false>?
  ---@return spec.RunningCommand
  function place.begin(words, environment)
    -- A `timeout` would pass on an interruption twice.
    local pipe = assert(io.popen(("timeout %d sh -c %s 2>&1; echo exit $?"):format(LIMIT, quoted("echo $$; exec "
      .. place.shell(words, environment)))))
    local running = { output = "", pid = assert(tonumber(pipe:read "*l")) }

    --- Reads lines until one matches. Fails if none does.
    ---@param pattern string
    function running.read_until(pattern)
      repeat
        local line = pipe:read "*l"
        if not line then error(("no line matches '%s': %s"):format(pattern, running.output), 2) end
        running.output = running.output .. line .. "\n"
      until line:find(pattern)
    end

    --- Sends signals to the command, and waits for its end.
    ---@param signals string|string[] as options of kill
    ---@return integer status
    function running.signal(signals)
      for _, signal in ipairs(type(signals) == "table" and signals or { signals }) do
        os.execute(("kill %s %d 2>/dev/null"):format(signal, running.pid))
      end
      running.output = running.output .. pipe:read "*a"
      pipe:close()
      return tonumber(running.output:match "exit (%d+)\n")
    end

    --- Interrupts the command, as Ctrl-C does, and waits for its end.
    ---@return integer status
    function running.interrupt()
      return running.signal "-INT"
    end

    return running
  end

  return place
end

--- For a `describe`: returns a place for the runs of its specs, which has a directory and a service while they run.
---@param setup function of busted, as the other
---@param teardown function
---@param options? table for the simulator; without it, no service can be reached
---@return spec.CommandPlace
function M.specs(setup, teardown, options)
  local place = new()
  setup(function()
    place.renew()
    place.service = options and simulator.spawn(options)
  end)
  teardown(function()
    if place.service then place.service:close() end
    place.remove()
  end)
  return place
end

return M
