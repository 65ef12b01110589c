-- `_find_ends`, by which Neovim's board and the command's list learn how the work of those ended that sleep, read the
-- events of a V0 conversation that was stopped in the middle of its work anew each time, for ever.
local in_process = require "spec.support.in_process"

describe("a V0 conversation that was stopped in the middle of its work", function()
  it("is read a few times, ever more rarely", function()
    local starter, conversation, model = in_process.started({ api = "v0" }, "Fix it. [simulate: slow]")
    repeat
      starter:sleep(1)
    until assert(starter:status(conversation)).state == "running"
    assert(starter:stop(conversation))
    local readings = 0
    local client = in_process.altered(model, "/events", function(answer)
      readings = readings + 1
      local state = '{"id":9,"source":"environment","observation":"agent_state_changed",'
        .. '"extras":{"agent_state":"%s"},"timestamp":"2026-08-20T10:00:00","content":""}'
      answer.body = ('{"events":[%s,%s,{"id":7,"source":"agent","action":"run","args":{"command":"make"}},'
        .. '{"id":6,"source":"user","action":"message","args":{"content":"Fix it."}}],"has_more":false}'):format(
        state:format "stopped", state:format "running")
      return answer
    end, { api = "v0" })
    local states, moments = {}, {}
    for second = 1, 600 do
      local page, before = assert(client:list():page()), readings
      client:_find_ends(page)
      states[page[1].state] = true
      moments[#moments + 1] = readings > before and second or nil
      client:sleep(1)
    end
    assert.same({ stopped = true }, states)
    assert.is_true(#moments >= 3 and #moments <= 6, table.concat(moments, " "))
    local page = assert(client:list():page())
    client:_find_ends(page, true)
    assert.same({ "stopped", true }, { page[1].state, page[1].settled })
    starter:close()
    client:close()
  end)
end)
