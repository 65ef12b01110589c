--- An nginx whose programs have a client, with the simulator as the service and an upstream that echoes requests.
local assert = require "luassert"
local programs = require "spec.support.nginx_programs"
local simulator = require "openhands.simulator"

local M = {}

--- Returns functions that are called without `self`. The spec calls `start` before all cases and `stop` after them,
--- `prepare` before each case and `finish` after it.
function M.new()
  local here = {}

  --- Starts the service and the upstream.
  function here.start()
    here.service = simulator.spawn { pace = 0.01 }
    here.upstream = programs.echo()
  end

  --- Stops them.
  function here.stop()
    here.upstream:close()
    here.service:close()
  end

  --- Resets the service. A case may add functions to `closing`, and set `expected_trouble` to a pattern of warnings.
  function here.prepare()
    here.service:reset()
    here.closing, here.expected_trouble = {}, nil
  end

  --- Stops the case's nginx and calls what is in `closing`. Fails if nginx has logged an unexpected warning or error.
  function here.finish()
    if here.server then
      local trouble = here.server:trouble():gsub(here.expected_trouble or "^$", "")
      here.server:close()
      here.server = nil
      assert.equal("", trouble)
    end
    for _, close in ipairs(here.closing) do
      close()
    end
  end

  --- Starts the nginx of a case, with a client of the service or of another address.
  ---@param parts table of the configuration
  ---@param settings string? further settings of the client, as Lua
  ---@param address string?
  function here.serve(parts, settings, address)
    here.server = programs.serve(address or here.service.address, parts, settings)
  end

  --- Runs a program in it, and returns the values in one line.
  ---@param program string Lua
  ---@param phase string? default "content"
  ---@return string
  function here.run(program, phase)
    return programs.run(here.server, program, phase)
  end

  return here
end

return M
