-- The rows of a CSV were each added to the ledger in a transaction of their own: thousands took many seconds.
local files = require "spec.support.files"
local fleets = require "openhands.command_line.fleets"

describe("a CSV", function()
  it("is added in one call, whatever its rows fill", function()
    local directory, remove = files.directory()
    local rows = { "repo,message,priority,exclusive" }
    for place = 1, 2000 do
      rows[#rows + 1] = ("o/r%d,Fix {this} %d.,%s,"):format(place, place, place > 1500 and 1 or "")
    end
    rows[#rows + 1] = "o/r,Last.,1,a{b}"
    files.write(directory .. "/x.csv", table.concat(rows, "\n"))
    local _, add = fleets.read(directory .. "/x.csv", {})
    remove()
    local calls, found = 0, {}
    assert.same({ added = 2001, known = 0 }, add({
      add = function(_, template, records)
        calls = calls + 1
        for number, record in ipairs(records) do
          local item, values = template(record, number)
          found[number] = { item, values.message }
        end
        return { added = #records, known = 0 }
      end,
    }))
    local item = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}" }
    local urgent = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}", priority = 1 }
    local alone = { key = "{repo}", repository = "{repo}", initial_user_msg = "{message}", priority = 1,
      exclusive = "a{{b}}" }
    assert.same({ 1, 2001 }, { calls, #found })
    assert.same({ { item, "Fix {this} 1." }, { item, "Fix {this} 1500." }, { urgent, "Fix {this} 1501." },
      { urgent, "Fix {this} 2000." }, { alone, "Last." } },
      { found[1], found[1500], found[1501], found[2000], found[2001] })
  end)
end)
