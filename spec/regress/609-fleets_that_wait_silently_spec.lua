-- `fleet run` said nothing while other fleets of the account had all slots.
local fleet_board = require "openhands.command_line.fleet_board"
local in_process = require "spec.support.in_process"
local outputs = require "openhands.command_line.output"

describe("a fleet that cannot start anything", function()
  it("says once that it waits for a slot", function()
    local client = in_process.simulated { api = "v1" }
    local output, said = outputs.new "plain", {}
    output.write_error = function(_, text) said[#said + 1] = text end
    local session = {
      output = output, client = function() return client end,
      stderr = function() return { can_redraw = false, is_terminal = false, columns = 80, rows = 24 } end,
    }
    local fleet = {
      status = function() return { queued = 3, live = 0, slots = 8 } end, others = function() return 0 end,
    }
    fleet_board.during(session, fleet, function()
      client:sleep(35)
      return true
    end)
    assert.same({ "waiting for a free slot: 3 queued, 8 slots for the account\n" }, said)
  end)
end)
