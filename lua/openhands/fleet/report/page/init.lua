--- Writes a report as a web page in one file: it needs no network, and works from a disk.
---
--- Everything in it that comes from outside is escaped. Its Content-Security-Policy allows nothing but its own style
--- sheet and script, by their hashes, so that even a mistake in that could not run a script or load anything.

local durations = require "openhands.display.duration"
local entry = require "openhands.fleet.report.entry"
local html = require "openhands.fleet.report.page.html"
local links = require "openhands.display.links"
local moments = require "openhands.display.moment"
local numbers = require "openhands.display.number"
local script = require "openhands.fleet.report.page.script"
local style = require "openhands.fleet.report.page.style"
local text = require "openhands.display.text"
local timeline = require "openhands.fleet.report.page.timeline"

local M = {}

local LONGEST_ANSWER = 8000 -- bytes of an answer in the page; the JSON has all
local SHORT_ANSWER = 280 -- bytes; a longer one is folded
local POLICY = "default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'"

local HEAD = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>%s</style>
</head>
<body>
<main>
<h1><bdi>%s</bdi></h1>
]]

local TABLE = [[
<section class="panel" aria-labelledby="runs">
<h2 id="runs">Runs</h2>
<div class="tools">
<input id="search" type="search" placeholder="Search" aria-label="Search the runs">
<p id="shown" role="status"></p>
</div>
<table>
<thead><tr>
]]

-- The columns: label, how its values are sorted, class.
local COLUMNS = {
  { "State", "number" }, { "Item", "text" }, { "Outcome", "text", "words" }, { "Pull requests", "text", "links" },
  { "Cost", "number", "number" }, { "Time", "number", "number" }, { "Started (UTC)", "number" }, { "Page", "text" },
}

local function write_head(pieces, report)
  local name = report.fleet and html.line(report.fleet) or "Fleet"
  pieces[#pieces + 1] = HEAD:format(POLICY:format(style.HASH, script.HASH), name, style.CSS, name)
  local about = { ("As of %s UTC"):format(moments.text(report.now) or "?") }
  if report.started_at then
    about[#about + 1] = ("started %s UTC"):format(moments.text(report.started_at) or "?")
    about[#about + 1] = (report.ended_at and "took " or "for ") .. durations.text(report.seconds)
  end
  if report.total > 0 then
    about[#about + 1] = "cost " .. html.line(numbers.money(report.cost)) .. (report.without_cost > 0
      and (", unknown for %d of the runs"):format(report.without_cost) or "")
  end
  pieces[#pieces + 1] = '<p class="about">' .. table.concat(about, " · ") .. "</p>\n"
end

local function write_counts(pieces, report)
  pieces[#pieces + 1] = '<ul class="counts" aria-label="Runs by state">\n'
  local count_item = '<li><button type="button" class="%s" data-state="%s"><b>%d</b> <span>%s</span></button></li>\n'
  for _, state in ipairs(entry.STATES) do
    if report.counts[state] > 0 then
      pieces[#pieces + 1] = count_item:format(state, state, report.counts[state], state)
    end
  end
  pieces[#pieces + 1] = "</ul>\n"
  if report.total == 0 then
    return
  end
  pieces[#pieces + 1] = '<svg class="share" aria-hidden="true">'
  local before = 0 ---@type number
  for place = #entry.STATES, 1, -1 do
    local state = entry.STATES[place]
    local share = report.counts[state] / report.total * 100
    if share > 0 then
      pieces[#pieces + 1] = ('<rect class="%s" x="%s%%" width="%s%%" height="100%%"/>'):format(state,
        numbers.decimal(before, 3), numbers.decimal(share, 3))
    end
    before = before + share
  end
  pieces[#pieces + 1] = "</svg>\n"
end

-- Returns a foreign text as a paragraph; a long one folded, so that a page of many runs stays short.
local function paragraph(value, class)
  local whole, is_cut = text.cut_bytes(value, LONGEST_ANSWER)
  whole = text.lines(whole)
  local body = ('<p dir="auto"%s>%s%s</p>'):format(class and (' class="%s"'):format(class) or "", html.lines(whole),
    is_cut and " …" or "")
  if #whole <= SHORT_ANSWER then
    return body
  end
  local beginning = text.cut_bytes(text.line(whole), SHORT_ANSWER / 2)
  return ("<details><summary><bdi>%s…</bdi></summary>%s</details>"):format(html.line(beginning), body)
end

-- Returns the content of a cell as one block; an empty cell stays empty, and narrow screens leave it out.
local function block(content)
  return content == "" and "" or "<div>" .. content .. "</div>"
end

local function outcome(run)
  local problem = run.error and run.state ~= "done" and paragraph(run.error, "problem") or ""
  return block(problem .. (run.answer and paragraph(run.answer) or ""))
end

local function pull_requests(run)
  local pieces = {}
  for place, each in ipairs(run.pull_requests) do
    local address = links.safe(each.url)
    pieces[place] = address and html.link(address, links.pull_request_name(address))
      or ("<bdi>%s</bdi>"):format(html.line(each.url))
  end
  return block(table.concat(pieces))
end

local function conversation(run)
  local address = links.safe(run.url)
  return address and html.link(address, "open") or ""
end

-- Returns the attribute with the number by which a cell is sorted.
local function value_of(number, places)
  return number and (' data-value="%s"'):format(numbers.decimal(number, places)) or ""
end

local function attempts(run)
  return run.attempts > 1 and ('<span class="note">%s attempts</span>'):format(numbers.fixed(run.attempts, 0)) or ""
end

local ROW = [[
<tr id="run-%d" data-state="%s"><td data-label="State"%s><span><span class="state %s">%s</span>%s</span></td>]]
  .. [[<th scope="row" data-label="Item"><bdi>%s</bdi></th>]]
  .. [[<td class="words" data-label="Outcome">%s</td>]]
  .. [[<td class="links" data-label="Pull requests">%s</td>]]
  .. [[<td class="number" data-label="Cost"%s>%s</td><td class="number" data-label="Time"%s>%s</td>]]
  .. [[<td data-label="Started"%s>%s</td><td data-label="Page">%s</td></tr>
]]

local function write_rows(pieces, runs)
  for place, run in ipairs(runs) do
    pieces[#pieces + 1] = ROW:format(place, run.state, value_of(entry.RANK[run.state], 0), run.state, run.state,
      attempts(run), html.line(run.key), outcome(run), pull_requests(run), value_of(run.cost, 6),
      html.line(numbers.money(run.cost)), value_of(run.seconds, 3), durations.text(run.seconds),
      value_of(run.started_at, 3), moments.text(run.started_at) or "", conversation(run))
  end
end

local function write_table(pieces, runs)
  pieces[#pieces + 1] = TABLE
  for _, column in ipairs(COLUMNS) do
    pieces[#pieces + 1] = ('<th scope="col" aria-sort="none" data-sort="%s" class="%s">'
      .. '<button type="button">%s</button></th>\n'):format(column[2], column[3] or "", column[1])
  end
  pieces[#pieces + 1] = "</tr></thead>\n<tbody>\n"
  write_rows(pieces, runs)
  pieces[#pieces + 1] = "</tbody>\n</table>\n</section>\n"
end

--- Writes the page.
---@param report openhands.Report
---@return string
function M.write(report)
  local pieces, runs = {}, entry.by_urgency(report.runs)
  write_head(pieces, report)
  write_counts(pieces, report)
  local picture, heading = timeline.write(report, runs)
  if picture then
    pieces[#pieces + 1] = ('<section class="panel" aria-labelledby="timeline">\n<h2 id="timeline">%s</h2>\n%s\n'
      .. "</section>\n"):format(heading, picture)
  end
  if #runs > 0 then
    write_table(pieces, runs)
  else
    pieces[#pieces + 1] = '<p class="panel">This fleet has no items yet.</p>\n'
  end
  pieces[#pieces + 1] = "</main>\n<script>" .. script.JAVASCRIPT .. "</script>\n</body>\n</html>\n"
  return table.concat(pieces)
end

return M
