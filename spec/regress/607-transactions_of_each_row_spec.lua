-- The rows of a CSV were each added to the ledger in a transaction of their own: thousands took many seconds.
local files = require "spec.support.files"
local fleets = require "openhands.command_line.fleets"

describe("a CSV", function()
  it("is added in groups of rows that are filled in the same way", function()
    local directory, remove = files.directory()
    local rows = { "repo,message,priority,exclusive" }
    for place = 1, 2000 do
      rows[#rows + 1] = ("o/r%d,Fix {this} %d.,%s,"):format(place, place, place > 1500 and 1 or "")
    end
    rows[#rows + 1] = "o/r,Last.,1,a{b}"
    files.write(directory .. "/x.csv", table.concat(rows, "\n"))
    local _, add = fleets.read(directory .. "/x.csv", {})
    remove()
    local added = {}
    assert.same({ added = 2001, known = 0 }, add({
      add = function(_, template, records)
        added[#added + 1] = { template, #records, records[1].message }
        return { added = #records, known = 0 }
      end,
    }))
    local item = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}" }
    local urgent = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}", priority = 1 }
    local alone = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}", priority = 1,
      exclusive = "a{{b}}" }
    assert.same({ { item, 1500, "Fix {this} 1." }, { urgent, 500, "Fix {this} 1501." }, { alone, 1, "Last." } }, added)
  end)
end)
