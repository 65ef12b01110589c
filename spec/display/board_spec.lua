-- Many conversations as a table.
local boards = require "openhands.display.board"
local texts = require "openhands.display.text"
local widths = require "openhands.display.width"

local function row(state, changes)
  local made = {
    conversation_id = "id-" .. state, title = "The " .. state .. " one", state = state, elapsed = 60, cost = 0.5,
    settled = state ~= "running" and state ~= "starting", url = "https://a.test/conversations/" .. state,
  }
  for name, value in pairs(changes or {}) do made[name] = value end
  return made
end

local function text_of(rows, options)
  local lines = {}
  for place, line in ipairs(boards.lines(rows, options)) do lines[place] = line.text end
  return lines
end

local rows = {
  row("finished", { answer = "All done.", pull_requests = { "https://github.com/owner/repo/pull/7",
    "https://github.com/owner/repo/pull/8" } }),
  row("running", { last_event = { action = "run", args = { command = "make test" } } }),
  row("failed", { detail = "no money" }),
  row("waiting"),
  row("running", { title = "Another" }),
}

describe("a board", function()
  it("shows those in trouble first, and totals at the end", function()
    assert.same({
      "STATE     CONVERSATION       TIME   COST  PR     LAST",
      "failed    The failed one    1m00s  $0.50         no money",
      "waiting   The waiting one   1m00s  $0.50",
      "running   The running one   1m00s  $0.50         $ make test",
      "running   Another           1m00s  $0.50",
      "finished  The finished one  1m00s  $0.50  #7 +1  All done.",
      "5 conversations: 1 failed, 1 waiting, 2 running, 1 finished, $2.50",
    }, text_of(rows))
  end)

  it("leaves columns out where it is narrow", function()
    local headings = {}
    for _, columns in ipairs { 64, 50, 40, 34, 26, 20 } do
      headings[#headings + 1] = (text_of(rows, { columns = columns })[1]:gsub(" +", " "))
    end
    assert.same({ "STATE CONVERSATION TIME COST PR LAST", "STATE CONVERSATION TIME COST PR",
      "STATE CONVERSATION TIME COST", "STATE CONVERSATION TIME", "STATE CONVERSATION", "CONVERSATION" }, headings)
    assert.same({ "STATE     CONVERSATION", "failed    The failed one" },
      { text_of(rows, { columns = 26 })[1], text_of(rows, { columns = 26 })[2] })
    for columns = 1, 200 do
      for _, line in ipairs(boards.lines(rows, { columns = columns })) do
        assert.is_true(widths.width(line.text) <= columns, columns .. ": " .. line.text)
      end
    end
  end)

  it("has lines that know their conversation, its page, and their parts", function()
    local lines = boards.lines(rows)
    assert.is_nil(lines[1].conversation_id)
    assert.same({ "id-failed", "https://a.test/conversations/failed" }, { lines[2].conversation_id, lines[2].url })
    assert.equal("state_failed", lines[2].spans[1][3])
    assert.equal("failed", lines[2].text:sub(lines[2].spans[1][1], lines[2].spans[1][2]))
    assert.equal("https://a.test/conversations/failed", lines[2].spans[2].url)
    for _, span in ipairs(lines[6].spans) do
      if span[3] == "pull_request" then assert.equal("https://github.com/owner/repo/pull/7", span.url) end
    end
    assert.is_nil(lines[#lines].conversation_id)
  end)

  it("hides what does not fit into the lines it may have, the least urgent", function()
    local lines = text_of(rows, { rows = 5 })
    assert.equal(5, #lines)
    assert.matches("^failed", lines[2])
    assert.equal("... and 3 more", lines[4])
    assert.matches("^5 conversations: ", lines[5])
    assert.equal(7, #boards.lines(rows, { rows = 7 }))
    for most = 3, 10 do assert.is_true(#boards.lines(rows, { rows = most }) <= most) end
  end)

  it("shows the pages below the rows on request", function()
    local lines = boards.lines(rows, { urls = true })
    assert.equal("  https://a.test/conversations/failed", lines[3].text)
    assert.equal("id-failed", lines[3].conversation_id)
    assert.equal(12, #lines)
    assert.equal(7, #boards.lines(rows, { urls = true, columns = 30 }))
  end)

  it("counts the time of tables up to the moment that it is given", function()
    local open = { { title = "x", state = "running", created_at = "2026-08-20T09:05:02" } }
    assert.equal("STATE    CONVERSATION    TIME", text_of(open, { now = 1787217302 })[1])
    assert.matches("10m00s$", text_of(open, { now = 1787217302 })[2])
    assert.equal("running  x", text_of(open)[2])
  end)

  it("takes conversations, and beside them what happened last", function()
    local list = { { conversation = rows[4], last_event = "asks to push" }, rows[3] }
    assert.matches("^waiting  The waiting one  1m00s  %$0.50  asks to push$", text_of(list)[3])
    assert.matches("^failed ", text_of(list)[2])
  end)

  it("without conversations says so", function()
    assert.same({ "0 conversations" }, text_of({}))
  end)

  it("is safe, and in ASCII if that is all there is, whatever the conversations say", function()
    local odd = { "\228\184\173\230\150\135\240\159\142\137", "\27]0;x\7\27[2J\27[31m", "a\255\0b", ("long "):rep(100),
      7, {}, true, 0 / 0, 1e300 }
    for _, name in ipairs { "title", "state", "elapsed", "cost", "url", "last_event", "pull_requests", "settled",
      "detail", "conversation_id" } do
      for _, value in ipairs(odd) do
        local list = { row("running"), row("failed", { [name] = value }), row("running", { [name] = value }) }
        for columns = 1, 100, 9 do
          for _, ascii in ipairs { false, true } do
            for _, line in ipairs(boards.lines(list, { columns = columns, ascii = ascii, urls = true })) do
              assert.is_true(widths.width(line.text) <= columns, line.text)
              assert.equal(texts.lines(line.text), line.text)
              assert.is_true(not ascii or not line.text:find "[^ -~]")
              local last = 0
              for _, span in ipairs(line.spans) do
                assert.is_true(span[1] > last and span[2] >= span[1] and span[2] <= #line.text)
                last = span[2]
              end
            end
          end
        end
      end
    end
  end)
end)
