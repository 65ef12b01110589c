-- The page doc/operations.md: each operation with what it does, its request in each dialect, and its fields.
local operations = require "reference_rows"

local function field_words(rows)
  local words = {}
  for _, field in ipairs(operations.fields(rows)) do
    local name = field.required and ("**`%s`**"):format(field.name) or ("`%s`"):format(field.name)
    words[#words + 1] = name .. operations.restriction(field, rows)
  end
  return table.concat(words, ", ")
end

local function route(row)
  return row and ("`%s %s`"):format(row.method, row.path) or "–"
end

--- Returns the text of the page.
---@return string
return function()
  local lines = {
    "# Operations",
    "",
    "<!-- Written by `make reference` from the core's table of operations. -->",
    "",
    "Every call that is one request, with the dialects that have it. A call that the dialect of a service lacks",
    "returns an error of kind `unsupported`. Fields in bold are required; where a field has two spellings, give one of",
    "them. The arguments are what the call is about, then its fields, then options; the first required field may stand",
    "alone in place of the table: `openhands.file(id, \"README.md\")`. A name with a dot is in a group:",
    "`openhands.secrets.list{}`, `client.secrets:list{}`.",
    "",
    "| call | does | V0 | V1 | fields |",
    "|---|---|---|---|---|",
  }
  local names, rows = operations.collect(false)
  for _, name in ipairs(names) do
    local of_name = rows[name]
    lines[#lines + 1] = ("| `%s` | %s | %s | %s | %s |"):format(name, operations.description(of_name),
      route(of_name.v0), route(of_name.v1), field_words(of_name))
  end
  local more = {
    "",
    "## The agent server",
    "",
    "`conversation:agent()` speaks to the sandbox of a V1 conversation itself. The conversation's id is filled in.",
    "`runtime.execute` is called as `conversation:agent().runtime:execute(…)`: see [the agent server](agent.md).",
    "",
    "| call | does | request | fields |",
    "|---|---|---|---|",
  }
  for _, line in ipairs(more) do
    lines[#lines + 1] = line
  end
  names, rows = operations.collect(true)
  for _, name in ipairs(names) do
    local of_name = rows[name]
    lines[#lines + 1] = ("| `%s` | %s | %s | %s |"):format(name, operations.description(of_name),
      route(of_name.agent), field_words(of_name))
  end
  return table.concat(lines, "\n") .. "\n"
end
