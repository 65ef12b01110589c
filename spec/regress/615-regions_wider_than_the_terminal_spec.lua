-- Lines wider than a narrow terminal wrapped, and a terminal that shrank kept regions higher than itself: each drawing
-- then left lines behind.
local boards = require "openhands.display.board"
local conversations = require "openhands.display.conversation"
local lives = require "openhands.display.live"
local progresses = require "openhands.display.progress"
local terminals = require "openhands.display.terminal"
local widths = require "openhands.display.width"

local rows = {
  { title = "A long title", state = "finished", elapsed = 751, cost = 1, last_event = "what happened last" },
  { title = "\195\169\228\184\150\231\149\140", state = "failed", conversation_id = "x" },
}

describe("a line for a narrow terminal", function()
  it("is no wider than the terminal", function()
    for columns = 1, 30 do
      for _, ascii in ipairs { false, true } do
        local lines = boards.lines(rows, { columns = columns, ascii = ascii })
        for _, row in ipairs(rows) do
          lines[#lines + 1] = conversations.spans(row, columns, nil, ascii)
        end
        for _, line in ipairs(lines) do
          assert.is_true(widths.width(line.text) <= columns, columns .. ": " .. line.text)
          for _, span in ipairs(line.spans) do
            assert.is_true(span[1] <= span[2] and span[2] <= #line.text, columns .. ": " .. line.text)
          end
        end
      end
    end
  end)
end)

describe("a region on a terminal that changes its size", function()
  local size, columns, height = terminals.size, 80, 30
  setup(function()
    terminals.size = function() return columns, height end
  end)
  teardown(function() terminals.size = size end)

  -- Returns a terminal with the fields of the present size, what was written there, and its clock.
  local function shown()
    local written, clock = {}, { now = 0 }
    local options = {
      terminal = { is_terminal = true, columns = columns, rows = height, can_redraw = true },
      write = function(text) written[#written + 1] = text end,
      now = function() return clock.now end,
    }
    return options, written, clock
  end

  -- Returns how far a drawing goes up, and its lines.
  local function parts(text)
    local lines = {}
    for line in text:gmatch "\27%[2K([^\n]*)\n" do lines[#lines + 1] = line end
    return tonumber(text:match "^\27%[(%d+)A" or 0), lines
  end

  it("is no higher, and goes up no further, than the terminal is now", function()
    columns, height = 80, 30
    local options, written, clock = shown()
    local live, many = lives.new(options), {}
    for number = 1, 14 do many[number] = "line " .. number end
    live:draw(many)
    assert.equal(14, #select(2, parts(written[1])))
    for drawing = 2, 4 do
      clock.now, height = drawing, 6
      live:draw(many)
      local up, lines = parts(written[drawing])
      assert.same({ 5, 5 }, { up, #lines })
    end
    clock.now, height = 9, 30
    live:draw(many)
    local up, lines = parts(written[5])
    assert.same({ 5, 14 }, { up, #lines })
  end)

  it("has lines no wider than the terminal is now", function()
    columns, height = 80, 30
    local options, written, clock = shown()
    local live = lives.new(options)
    local lines = { ("words "):rep(10), conversations.spans(rows[1], 70) }
    live:draw(lines)
    columns, clock.now = 12, 1
    live:draw(lines)
    local _, cut = parts(written[2])
    assert.same({ "words word\226\128\166", "A long tit\226\128\166" }, cut)
  end)

  it("shows the progress of one conversation in very few columns", function()
    for _, count in ipairs { 1, 2 } do
      for width = 1, 24 do
        columns, height = width, 3
        local options, written = shown()
        local progress = progresses.new(options.now, options)
        for place = 1, count do progress:add(place, rows[place]) end
        progress:tick(0)
        local _, lines = parts(written[1])
        assert.is_true(#lines >= 1 and #lines <= 2)
        for _, line in ipairs(lines) do
          assert.is_true(widths.width(line) <= math.max(1, width - 1), width .. ": " .. line)
        end
      end
    end
  end)
end)
