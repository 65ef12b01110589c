--- Writes a report as CSV: RFC 4180, UTF-8, a line for each run.
---
--- Spreadsheets take a cell that begins with =, +, - or @ for a formula, which an answer could use to run a program or
--- to send other cells away. An apostrophe before these characters makes them text again. Where a spreadsheet splits
--- lines at semicolons instead of commas, the quotation marks do not hold; therefore it is put after semicolons, too.
--- Line breaks become blanks: a line is a run. The JSON has the texts unchanged.

local moments = require "openhands.display.moment"
local numbers = require "openhands.display.number"
local text = require "openhands.display.text"

local M = {}

local function joined(run)
  local addresses = {}
  for place, each in ipairs(run.pull_requests) do
    addresses[place] = each.url
  end
  return table.concat(addresses, " ")
end

local function number(name, places)
  return function(run)
    return run[name] and numbers.decimal(run[name], places) or ""
  end
end

-- The columns: name and value. What the library wrote itself needs no apostrophe.
local COLUMNS = {
  { "key" }, { "state" }, { "answer" }, { "error" },
  { "cost", number("cost", 6) },
  { "pull_requests", joined, is_foreign = true },
  { "url" }, { "title" }, { "conversation_id" },
  { "started_at", function(run) return moments.iso(run.started_at) or "" end },
  { "ended_at", function(run) return moments.iso(run.ended_at) or "" end },
  { "seconds", number("seconds", 3) },
  { "attempts", number("attempts", 0) },
}

-- The characters as Lua patterns: also their wide and small forms.
local FORMULAS = { "[=+@-]", "\239\188[\157\139\141\160]", "\239\185[\162\163\166\171]" }

-- Returns a text in which no part can become a formula.
local function harmless(value)
  value = text.line(value)
  for _, formula in ipairs(FORMULAS) do
    value = value:gsub("^([ '\"]*" .. formula .. ")", "'%1"):gsub("(;[ '\"]*)(" .. formula .. ")", "%1'%2")
  end
  return value
end

local function quoted(value)
  return '"' .. value:gsub('"', '""') .. '"'
end

--- Writes the runs, in the order in which their items were added.
---@param report openhands.Report
---@return string
function M.write(report)
  local lines, cells = {}, {}
  for place, column in ipairs(COLUMNS) do
    cells[place] = column[1]
  end
  lines[1] = table.concat(cells, ",")
  for _, run in ipairs(report.runs) do
    for place, column in ipairs(COLUMNS) do
      local read = column[2]
      local value = read and read(run) or run[column[1]] or ""
      cells[place] = read and not column.is_foreign and value or quoted(harmless(value))
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\r\n")
end

return M
