-- The commands about conversations, as processes against a simulator.
local commands = require "spec.support.command"

local UUID = "^%x+%-%x+%-%x+%-%x+%-%x+$"
local FAST = " --interval 0.05"

-- What takes seconds runs on one Lua alone.
local once = rawget(_G, "jit") and it or function() end

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.service:reset() end)

  local function started(message, more)
    return here.output(("start %q --repo owner/repo %s"):format(message or "Fix the typo.", more or ""))
  end

  local function finished(message)
    local id = started(message)
    here.run("wait " .. id .. FAST)
    return id
  end

  describe("start", function()
    it("prints the id alone to stdout, and the page to stderr", function()
      local result = here.run "start 'Fix it.' --repo owner/repo --branch main"
      assert.equal(0, result.status)
      assert.matches(UUID, (result.output:gsub("\n$", "")))
      assert.matches("started: " .. here.service.address:gsub("%p", "%%%0") .. "/conversations/", result.errors)
      local body = here.service:starts()[1].body
      assert.matches('"selected_branch":"main"', body, 1, true)
      assert.matches("Fix it.", body, 1, true)
    end)

    it("tells the conversation as an object with --json", function()
      local record = here.run("--json start 'Fix it.' --repo owner/repo").json
      assert.equal("starting", record.state)
      assert.is_false(record.settled)
      assert.matches(UUID, record.conversation_id)
      assert.same({}, record.pull_requests)
    end)

    it("waits with --wait, and prints the answer", function()
      local result = here.run("start 'Fix it.' --repo owner/repo --wait" .. FAST)
      assert.equal(0, result.status)
      assert.matches("\tfinished\t%$0%.%d+\towner/repo\t.*\nDone%.", result.output)
      local record = here.run("start 'Fix it.' --repo owner/repo --wait --json" .. FAST).json
      assert.equal("finished", record.state)
      assert.matches("^Done%.", record.answer)
    end)

    once("prints the events with --follow", function()
      local result = here.run("start 'Fix it.' --follow" .. FAST)
      assert.equal(0, result.status)
      assert.matches("  user         .*  agent        .*\tfinished\t.*\nDone%.", result.output)
      local lines = here.run("start 'Fix it.' --follow --jsonl" .. FAST).output
      assert.matches('^{.-"kind":"[%w]+Event".*\n{.-"state":"finished".-}\n$', lines)
    end)

    it("ends with 2 if the conversation fails, with 5 if it waits for a person, with 4 if the time is over", function()
      assert.equal(2, here.run("start 'Fail. [simulate: error]' --wait" .. FAST).status)
      local waiting = here.run("start 'Ask. [simulate: waiting]' --wait" .. FAST)
      assert.equal(5, waiting.status)
      assert.matches("waits for a person to confirm something: http", waiting.errors, 1, true)
      local slow = here.run("start 'Slow. [simulate: never-ready]' --wait --json --timeout 0.2" .. FAST)
      assert.equal(4, slow.status)
      assert.equal("starting", slow.json.state)
      assert.matches("goes on", slow.errors)
    end)

    it("ends with 3 if the service refuses it", function()
      here.service:throttle("concurrency", -1, { limit = 3, current = 3 })
      local result = here.run "start 'Fix it.' --json"
      assert.equal(3, result.status)
      assert.equal("limit", result.json.error.kind)
      assert.equal(3, result.json.error.limit)
      here.service:throttle("quota", -1, {})
      assert.equal(3, here.run("start 'Fix it.'").status)
    end)

    it("reads the message from stdin, and refuses an empty one", function()
      here.output("start -", { input = "From a pipe.\n" })
      assert.matches("From a pipe.", here.service:starts()[1].body, 1, true)
      local result = here.run("start -", { input = " \n" })
      assert.equal(1, result.status)
      assert.equal("openhands-lua: start: the message is empty\n", result.errors)
      assert.equal(1, #here.service:starts())
    end)

    it("takes up a start again with --id and --resume", function()
      local id = started()
      assert.equal(id, here.output("start 'Fix the typo.' --repo owner/repo --resume --id " .. id))
      assert.equal(1, here.service:jobs())
      assert.equal(1, here.run("start 'Fix it.' --resume").status)
    end)
  end)

  describe("status", function()
    it("prints a row for each, with tabs where stdout is no terminal", function()
      local one, other = started(), started "Another."
      local rows = here.output(("status %s %s"):format(one, other))
      assert.matches("^" .. one:gsub("-", "%%-") .. "\t%l+\t", rows)
      assert.matches("\n" .. other:gsub("-", "%%-") .. "\t%l+\t", rows)
    end)

    it("tells a list with --json, and what was not found", function()
      local id = started()
      local result = here.run(("status --json %s 7f3b9a1c2d4e4f60a1b2c3d4e5f60718"):format(id))
      assert.equal(2, result.status)
      assert.equal(id, result.json[1].conversation_id)
      assert.equal("not_found", result.json[2].error.kind)
      assert.matches("^openhands%-lua: status: the service knows no conversation", result.errors)
      assert.equal(1, here.run("status 7f3b9a1c2d4e4f60a1b2c3d4e5f60718").status)
    end)

    it("tells an object in each line with --jsonl", function()
      local lines = here.output(("status --jsonl %s %s"):format(started(), started "Another."))
      assert.matches('^{.*"state":"%l+".*}\n{.*"state":"%l+".*}$', lines)
    end)
  end)

  describe("wait", function()
    it("waits for one, and prints how it ended", function()
      local id = started()
      local result = here.run("wait " .. id .. FAST)
      assert.equal(0, result.status)
      assert.matches("^" .. id:gsub("-", "%%-") .. "\tfinished\t.*\nDone%.", result.output)
      assert.equal("finished", here.run("wait --json " .. id .. FAST).json[1].state)
    end)

    it("waits for several, and ends with 2 if some fail", function()
      local good, bad = started(), started "Fail. [simulate: error]"
      local result = here.run(("wait --json %s %s"):format(good, bad) .. FAST)
      assert.equal(2, result.status)
      assert.equal("finished", result.json[1].state)
      assert.equal("failed", result.json[2].state)
    end)

    it("ends with 4 if the time is over, and says so", function()
      local id = started "Slow. [simulate: never-ready]"
      local result = here.run(("wait %s %s --timeout 0.1"):format(id, started "Slow. [simulate: never-ready]") .. FAST)
      assert.equal(4, result.status)
      assert.matches("\tstarting\t.*\tstarting\t", result.output)
      assert.matches("The time is over", result.errors, 1, true)
      assert.equal(4, here.run(("wait %s --timeout 0.1"):format(id) .. FAST).status)
    end)
  end)

  describe("events", function()
    it("prints a line for each", function()
      local id = finished()
      local lines = here.output("events " .. id)
      assert.matches("^%d%d:%d%d:%d%d  user +", lines)
      local _, count = (lines .. "\n"):gsub("\n", "")
      assert.is_true(count > 3)
      local _, few = (here.output("events --limit 2 " .. id) .. "\n"):gsub("\n", "")
      assert.equal(2, few)
    end)

    it("tells them with --json, and begins after a known one", function()
      local id = finished()
      local all = here.run("events --json " .. id).json
      assert.is_string(all[1].kind)
      local rest = here.run(("events --json %s --after %s"):format(id, all[2].id)).json
      assert.equal(#all - 2, #rest)
      assert.is_string(all[1].text)
    assert.equal(all[3].id, rest[1].id)
    end)

    once("follows until the end", function()
      local result = here.run(("events %s --follow"):format(started()) .. FAST)
      assert.equal(0, result.status)
      assert.matches("\tfinished\t", result.output)
      assert.equal(1, here.run("events --json --follow " .. started()).status)
    end)
  end)

  it("send gives the agent another turn, and can wait for its end", function()
    local id = finished()
    assert.same({ conversation_id = id, sent = true }, here.run("send --json " .. id .. " 'And more.'").json)
    local result = here.run(("send %s 'And again.' --wait"):format(id) .. FAST)
    assert.equal(0, result.status)
    assert.matches("\tfinished\t", result.output)
    result = here.run(("send %s 'Once more.' --follow"):format(id) .. FAST)
    assert.equal(0, result.status)
    assert.matches("^%d%d:%d%d:%d%d  user +Once more.*\tfinished\t", result.output)
    assert.is_nil(result.output:find("And again", 1, true))
    assert.equal(1, here.run("send " .. id .. " ''").status)
  end)

  it("list prints the newest first, and can be narrowed", function()
    local id = finished()
    here.run(("wait %s"):format(started "Another.") .. FAST)
    local all = here.run("list --json").json
    assert.equal(2, #all)
    local function plain(text) return (text:gsub("-", "")) end
    assert.equal(plain(id), plain(all[2].conversation_id))
    assert.equal(1, #here.run("list --json --limit 1").json)
    assert.equal(2, #here.run("list --json --state finished").json)
    assert.equal(0, #here.run("list --json --repo owner/other").json)
    assert.matches("\towner/repo\t", here.output "list")
  end)

  once("pause and resume change a conversation, and show it", function()
    local id = started()
    here.run(("wait %s --timeout 1"):format(id) .. FAST)
    assert.equal("paused", here.run("pause --json " .. id).json[1].state)
    local result = here.run(("resume --json %s --send 'Go on.'"):format(id))
    assert.equal(0, result.status)
    assert.equal("RUNNING", result.json[1].status)
  end)

  it("delete asks first, and deletes nothing without an answer", function()
    local id = finished()
    local result = here.run("delete " .. id)
    assert.equal(1, result.status)
    assert.matches("nothing was deleted", result.errors)
    assert.equal(0, here.run("status " .. id).status)
    assert.equal(0, here.run("delete " .. id, { input = "y\n" }).status)
    assert.equal(1, here.run("status " .. id).status)
    id = finished()
    assert.same({ { conversation_id = id, deleted = true } }, here.run("delete --yes --json " .. id).json)
  end)

  once("uses V0 as well", function()
    here.service:options { pace = 0.03 } -- the runtime must not be down before the end has been seen
    local result = here.run("--api v0 start 'Fix it.' --repo owner/repo --wait --json" .. FAST)
    assert.equal(0, result.status)
    assert.equal("v0", result.json.api)
    assert.equal("finished", result.json.state)
  end)
end)
