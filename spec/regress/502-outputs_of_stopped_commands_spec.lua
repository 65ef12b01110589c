-- The last output of a command that was stopped in the simulator had the wrong `order`: the command itself and the
-- entries of other commands were counted, too. It could also be listed before entries that were older.

local simulated_sandbox = require "spec.support.simulated_sandbox"

describe("a stopped command", function()
  local service, model

  local function start(command) return service:post("/api/bash/start_bash_command", { command = command }) end

  local function stop(command) service:post("/api/bash/bash_commands/" .. command.id .. "/stop") end

  local function search(filter) return service:get("/api/bash/bash_events/search" .. (filter or "")).items end

  before_each(function()
    service = simulated_sandbox.new()
    model = service.model
    local task = service:service("POST", "/api/v1/app-conversations", {
      initial_message = { content = { { type = "text", text = "x" } } },
    })
    local id = model:find_by_start_task(task.id).id
    model:advance(18)
    service:open(id)
  end)

  it("numbers its outputs from 0 without a gap", function()
    start "echo before"
    local command = start "sleep 100"
    start "echo after"
    model:advance(2)
    stop(command)
    local outputs = search("?kind__eq=BashOutput&command_id__eq=" .. command.id)
    assert.are.equal(3, #outputs)
    for position, output in ipairs(outputs) do
      assert.are.equal(position - 1, output.order)
    end
    assert.are.equal(-15, outputs[3].exit_code)
  end)

  it("has an output 0 even if it printed nothing", function()
    local command = start "sleep 100"
    stop(command)
    assert.are.equal(0, search("?kind__eq=BashOutput&command_id__eq=" .. command.id)[1].order)
  end)

  it("ends after everything that has happened before, and before everything that happens afterwards", function()
    local command, before = start "sleep 100", start "echo before"
    stop(command)
    local after = start "echo after"
    local ids = {}
    for position, event in ipairs(search()) do
      ids[position] = event.command_id or event.id
    end
    assert.are.same({ command.id, before.id, before.id, command.id, after.id, after.id }, ids)
  end)
end)
