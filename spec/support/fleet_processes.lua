--- Processes that run the same fleet on a simulator, are killed or stopped at some point, and run it again.
local assert = require "luassert"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local M = {}

M.COUNT = 3 -- items

-- The script of a user, with short times. Sends itself a signal at a point, if it is told one: before or after an
-- operation of the ledger or an exchange with the service.
local PROGRAM = [[
  package.path, package.cpath = %q, %q
  local address, database, count, kill_at, signal = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]), arg[5] or "KILL"
  io.stdout:setvbuf "line"
  local stat = io.open "/proc/self/stat"
  local pid = stat:read "*n"
  stat:close()
  print("pid " .. ("%%d"):format(pid))
  local points = 0
  local function point()
    points = points + 1
    if points == kill_at then os.execute(("kill -%%s %%d"):format(signal, pid)) end
  end
  local function wrap(class, method)
    local inner = class[method]
    class[method] = function(...)
      point()
      local one, two, three = inner(...)
      point()
      return one, two, three
    end
  end
  local openhands = require "openhands"
  local client = openhands.new { base_url = address, api_key = "any", api = "v1", grace = 0.2, retries = 1 }
  require("openhands.fleet.worker_class").patience = 0.01
  local function must(value, err) -- `assert` of Lua 5.1 refuses errors that are tables
    if not value then error(tostring(err), 0) end
    return value
  end
  local fleet = must(client:fleet { name = "f", ledger = database, slots = 2, lease = tonumber(arg[7]) or 0.6,
    start_interval = 0, interval = 0.02, account = "a" })
  for place = 1, count do
    must(fleet:add { key = "k" .. place, repository = "o/r" .. place, initial_user_msg = "Fix it." })
  end
  for _, method in ipairs { "claim", "renew", "record", "finish", "requeue" } do
    wrap(getmetatable(fleet.ledger), method)
  end
  wrap(require "openhands.client_class", "_exchange")
  local report, err = fleet:run {
    on_change = function(run, previous) print(("%%s %%s %%s"):format(run.key, tostring(previous), run.state)) end,
    timeout = tonumber(arg[6]) or 60,
  }
  local result = report and ("done %%d failed %%d of %%d"):format(report.done, report.failed, report.total)
    or "error " .. err.message
  io.write("points " .. points .. "\n" .. result .. "\n") -- in one system call: a killed script tells both, or neither
  fleet:close()
  client:close()
]]

--- Returns a function that begins the script, with a prefix (words of a shell) and arguments, and returns a pipe from
--- it; and a function that removes the script.
function M.script()
  local directory, remove = files.directory()
  files.write(directory .. "/fleet.lua", PROGRAM:format(package.path, package.cpath))
  return function(prefix, ...)
    local lua = processes.quoted(processes.interpreter())
    local words = { "timeout -s KILL 60", prefix or "", lua, directory .. "/fleet.lua" }
    for _, word in ipairs { ... } do
      words[#words + 1] = processes.quoted(tostring(word))
    end
    return (assert(io.popen(table.concat(words, " ") .. " 2>&1")))
  end, remove
end

--- Runs the script to its end, or until it is killed; returns its output.
function M.run(begin, prefix, ...)
  local pipe = begin(prefix, ...)
  local output = pipe:read "*a"
  pipe:close()
  return output
end

--- Waits until a process has stopped itself.
---@param pid string
function M.await_stop(pid)
  local shell = assert(io.popen(("i=0; while [ $i -lt 600 ]; do if grep -q ') T ' /proc/%s/stat; then "
    .. "echo stopped; break; fi; i=$((i + 1)); sleep 0.05; done"):format(pid)))
  assert.equal("stopped", shell:read "*l")
  shell:close()
end

--- Checks that each item has exactly one conversation on the service.
---@param server openhands.simulator.Handle
---@param output string of the last run of the script
---@param count integer items
---@param what string for messages
function M.check(server, output, count, what)
  assert.is_truthy(output:find(("done %d failed 0 of %d"):format(count, count), 1, true), what .. "\n" .. output)
  local ids, different = {}, 0
  for _, start in ipairs(server:starts()) do
    different = different + (ids[start.conversation_id] and 0 or 1)
    ids[start.conversation_id] = true
  end
  assert.same({ count, count }, { different, server:jobs() }, what .. "\n" .. output)
end

return M
