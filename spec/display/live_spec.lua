-- Lines that change on a terminal, and lines that stay elsewhere.
local lives = require "openhands.display.live"
local processes = require "spec.support.processes"
local progresses = require "openhands.display.progress"

-- Returns a region on a screen of which the spec sees the lines, the clock, and what was written.
local function region(terminal)
  local written, clock = {}, { now = 0 }
  local live = lives.new {
    terminal = terminal, now = function() return clock.now end,
    write = function(text) written[#written + 1] = text end,
  }
  return live, clock, written
end

-- Returns the lines of a screen after what was written on it: of the sequences, it knows those that are used here.
local function screen(written)
  local lines, row = {}, 1
  local text = table.concat(written)
  local place = 1
  while place <= #text do
    local up = text:match("^\27%[(%d+)A", place)
    if up then
      row, place = row - tonumber(up), place + #up + 3
    elseif text:find("^\27%[2K", place) then
      lines[row], place = "", place + 4
    elseif text:find("^\27%[J", place) then
      for below = row, #lines do lines[below] = nil end
      place = place + 3
    elseif text:find("^\n", place) then
      row, place = row + 1, place + 1
    elseif text:find("^\r", place) then
      place = place + 1
    else
      local words = text:match("^[^\27\n\r]+", place)
      lines[row] = (lines[row] or "") .. words
      place = place + #words
    end
  end
  return lines
end

local function terminal(changes)
  local made = { is_terminal = false, columns = 80, rows = 24, can_redraw = true }
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

local plain = terminal { can_redraw = false }

describe("a region on a terminal", function()
  it("is drawn in place of what it showed before", function()
    local live, clock, written = region(terminal())
    assert.is_true(live:draw { "one", "two", "three" })
    clock.now = 1
    assert.is_true(live:draw { "four" })
    assert.same({ "four" }, screen(written))
    clock.now = 2
    live:draw { "five", "six" }
    assert.same({ "five", "six" }, screen(written))
    assert.matches("\n$", written[#written]) -- what follows begins on a line of its own
  end)

  it("is drawn ten times a second at most, and at last with the newest lines", function()
    local live, clock, written = region(terminal())
    for step = 0, 99 do
      clock.now = step / 100
      live:draw { "step " .. step }
    end
    assert.is_true(#written <= 10, #written)
    live:flush()
    assert.same({ "step 99" }, screen(written))
  end)

  it("leaves room for lines that stay", function()
    local live, clock, written = region(terminal())
    live:draw { "one", "two" }
    live:print "it stays"
    assert.same({ "it stays", "one", "two" }, screen(written))
    clock.now = 1
    live:draw { "three" }
    assert.same({ "it stays", "three" }, screen(written))
    live:finish()
    clock.now = 2
    live:draw { "below" }
    assert.same({ "it stays", "three", "below" }, screen(written))
    live:clear()
    assert.same({ "it stays", "three" }, screen(written))
  end)

  it("is no higher than the terminal", function()
    local live, clock, written = region(terminal { rows = 4 })
    local many = {}
    for number = 1, 10 do many[number] = "line " .. number end
    live:draw(many)
    clock.now = 1
    live:draw(many)
    assert.same({ "line 1", "line 2", "line 3" }, screen(written))
  end)

  it("stands below those of other waits, and leaves its lines above them", function()
    local written, clock = {}, 0
    local shared = lives.new_screen(function(text) written[#written + 1] = text end)
    local function one_more()
      return lives.new { terminal = terminal(), screen = shared, now = function() return clock end }
    end
    local first, second, third = one_more(), one_more(), one_more()
    for number, live in ipairs { first, second, third } do
      clock = clock + 1
      live:draw { "wait " .. number, "more of " .. number }
    end
    assert.same({ "wait 1", "more of 1", "wait 2", "more of 2", "wait 3", "more of 3" }, screen(written))
    second:finish()
    assert.same({ "wait 2", "more of 2", "wait 1", "more of 1", "wait 3", "more of 3" }, screen(written))
    clock = clock + 1
    first:draw { "wait 1 goes on" }
    assert.same({ "wait 2", "more of 2", "wait 1 goes on", "wait 3", "more of 3" }, screen(written))
    third:clear()
    first:finish()
    assert.same({ "wait 2", "more of 2", "wait 1 goes on" }, screen(written))
    assert.equal(0, shared.count)
  end)

  it("of a wait that is gone disappears", function()
    local written, clock = {}, 0
    local shared = lives.new_screen(function(text) written[#written + 1] = text end)
    local function draw(words)
      clock = clock + 1
      local live = lives.new { terminal = terminal(), screen = shared, now = function() return clock end }
      live:draw { words }
      return live
    end
    draw "cancelled"
    collectgarbage()
    collectgarbage()
    local other = draw "goes on"
    assert.same({ "goes on" }, screen(written))
    other:finish()
  end)

  it("writes no line for a change of state", function()
    local live, _, written = region(terminal())
    live:note("a", "running", "a runs")
    assert.same({}, written)
  end)
end)

describe("elsewhere", function()
  it("a line is written for each change", function()
    local live, _, written = region(plain)
    assert.is_false(live:draw { "one" })
    live:note("a", "running", "a runs 1s")
    live:note("a", "running", "a runs 2s")
    live:note("b", "running", "b runs")
    live:note("a", "finished", "a is done")
    live:print "more"
    live:flush()
    live:finish()
    live:clear()
    assert.same({ "a runs 1s\n", "b runs\n", "a is done\n", "more\n" }, written)
  end)
end)

describe("the progress of", function()
  local function progress(how)
    local written, clock = {}, { now = 0 }
    return progresses.new(function() return clock.now end, {
      terminal = how, write = function(text) written[#written + 1] = text end,
    }), clock, written
  end

  local function conversation(state, settled)
    return { conversation_id = "1", title = "Fix it", state = state, settled = settled or false, elapsed = 3 }
  end

  it("one conversation is a line with a spinner, until it has settled", function()
    local shown, clock, written = progress(terminal { ascii = true })
    shown:add("a", conversation "starting")
    assert.equal(0.25, shown:tick(0))
    assert.same({ "/ Fix it  starting 3s" }, screen(written))
    clock.now = 1
    shown:tick(1)
    assert.same({ "- Fix it  starting 3s" }, screen(written))
    clock.now = 2
    shown:see("a", conversation("finished", true))
    shown:finish()
    assert.same({ "* Fix it  finished 3s" }, screen(written))
  end)

  it("several is a board", function()
    local shown, _, written = progress(terminal())
    shown:add("a", conversation "running")
    shown:add("b", { conversation_id = "2" })
    shown:tick(0)
    assert.same({ "STATE    CONVERSATION  TIME", "unknown  2                -", "running  Fix it          3s",
      "2 conversations: 1 unknown, 1 running" }, screen(written))
  end)

  it("elsewhere is a line for each state", function()
    local shown, _, written = progress(plain)
    shown:add("a", { conversation_id = "1" })
    shown:see("a", conversation "running")
    shown:see("a", conversation "running")
    assert.equal(math.huge, shown:tick(0))
    shown:see("a", conversation("finished", true))
    assert.equal(1, #written) -- its answer may come
    local last = conversation("finished", true)
    last.answer = "Done."
    shown:see("a", last, true)
    shown:finish()
    assert.same({ "Fix it  running 3s\n", "Fix it  finished 3s  Done.\n" }, written)
  end)

  it("one that cannot be shown does not disturb the program", function()
    local function fail() error "no screen" end
    local shown = progresses.new(fail, { terminal = terminal(), write = fail })
    shown:add("a", conversation "running")
    assert.equal(math.huge, shown:tick(0))
    shown:see("a", conversation "running")
    shown:finish()
    local interrupted = progresses.new(os.clock, { terminal = plain, write = function() error("interrupted!", 0) end })
    assert.has_error(function() interrupted:add("a", conversation "running") end, "interrupted!")
  end)

  it("in Neovim is told by Neovim", function()
    local program = [[
      vim = { schedule = function(run) run() end, notify = function(text) print("notified: " .. text) end }
      local shown = require("openhands.display.progress").new(os.clock)
      shown:add("a", { title = "Fix it", state = "running", elapsed = 3 })
    ]]
    local child = assert(io.popen(processes.quoted(processes.interpreter()) .. " -e " .. processes.quoted(program)))
    assert.equal("notified: Fix it  running 3s\n", child:read "*a")
    child:close()
  end)
end)
