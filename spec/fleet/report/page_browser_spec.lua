-- The page of a report in a real browser, where there is one.
local chromium = require "spec.support.chromium"
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"
local script = require "openhands.fleet.report.page.script"

local HOSTILE = [[<script>document.title = "run"</script><img src=x onerror="document.title = 'run'">]]

describe("the page of a report in Chromium", function()
  local is_there

  setup(function()
    is_there = chromium.is_there()
  end)

  local function page(list)
    return report.new(list, { now = rows.NOW, fleet = "names" }):html()
  end

  it("runs its own script, but no script of an answer, even if that were not escaped", function()
    if not is_there then return pending "Chromium is not installed" end
    local list = rows.hostile()
    list[#list + 1] = rows.row { key = HOSTILE, state = "failed", error = HOSTILE }
    local document = chromium.document_of((page(list):gsub("</main>", function() return HOSTILE .. "</main>" end)))
    assert.matches('<html lang="en" class="js">', document, 1, true)
    assert.matches(("%d of %d runs"):format(#list, #list), document, 1, true)
    assert.matches("<title>names</title>", document, 1, true)
  end)

  it("sorts by a column, and shows the runs of one state", function()
    if not is_there then return pending "Chromium is not installed" end
    local code = [[
      const rows = () => Array.from(document.querySelectorAll("tbody tr:not([hidden])"));
      const keys = () => rows().map((row) => row.cells[1].textContent);
      const head = (place) => document.querySelectorAll("thead button")[place].click();
      const parts = [keys()];
      head(1); parts.push(keys());
      head(1); parts.push(keys());
      head(4); parts.push(keys());
      head(4); parts.push(keys());
      document.querySelector("[data-state=failed]").click(); parts.push(keys());
      document.querySelector("[data-state=failed]").click(); parts.push(keys());
      document.title = parts.map((part) => part.join(" ")).join("; ");
    ]]
    local written = page {
      rows.row { key = "r10", state = "done", cost = 0.5 }, rows.row { key = "r9", state = "failed" },
      rows.row { key = "r8", state = "done", cost = 10 }, rows.row { key = "r11", state = "done", cost = 9 },
    }
    written = written:gsub(script.HASH:gsub("%p", "%%%0"), "unsafe-inline"):gsub("</body>", function()
      return "<script>" .. code .. "</script></body>"
    end)
    assert.equal("r9 r10 r8 r11; r8 r9 r10 r11; r11 r10 r9 r8; r10 r11 r8 r9; r8 r11 r10 r9; r9; r8 r11 r10 r9",
      chromium.document_of(written):match "<title>(.-)</title>")
  end)
end)
