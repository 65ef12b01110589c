--- Compares two texts line by line, and writes the differences as `diff -u` does.

local M = {}

local CONTEXT = 3 -- equal lines around a change
local MOST_EDITS = 1500 -- more would take too long: then the whole text counts as replaced

-- Returns the lines of a text, each with its line break if it has one.
local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]*\n?" do
    if line ~= "" then
      lines[#lines + 1] = line
    end
  end
  return lines
end

-- Finds the shortest way from the old lines to the new ones (Myers 1986). Returns how far each step came on each
-- diagonal, and the number of steps; nil if there are too many.
local function search(old, new)
  local reached, steps = { [1] = 0 }, {}
  for edits = 0, math.min(MOST_EDITS, #old + #new) do
    local before = {}
    for diagonal = -edits - 1, edits + 1 do
      before[diagonal] = reached[diagonal]
    end
    steps[edits] = before
    for diagonal = -edits, edits, 2 do
      local down = reached[diagonal + 1] or -1
      local right = (reached[diagonal - 1] or -1) + 1
      local x = (diagonal == -edits or diagonal ~= edits and right - 1 < down) and down or right
      local y = x - diagonal
      while x < #old and y < #new and old[x + 1] == new[y + 1] do
        x, y = x + 1, y + 1
      end
      reached[diagonal] = x
      if x >= #old and y >= #new then
        return steps, edits
      end
    end
  end
end

local function replaced(old, new)
  local script = {}
  for _, line in ipairs(old) do
    script[#script + 1] = { "-", line }
  end
  for _, line in ipairs(new) do
    script[#script + 1] = { "+", line }
  end
  return script
end

-- Returns the script that turns the old lines into the new ones: a list of signs (" ", "-", "+") and lines.
local function script_of(old, new)
  local steps, edits = search(old, new)
  if not steps then
    return replaced(old, new)
  end
  local reversed, x, y = {}, #old, #new
  for step = edits, 0, -1 do
    local before, diagonal = steps[step], x - y
    local down, right = before[diagonal + 1] or -1, (before[diagonal - 1] or -1) + 1
    local is_down = diagonal == -step or diagonal ~= step and right - 1 < down
    local previous = is_down and diagonal + 1 or diagonal - 1
    local from_x = step == 0 and 0 or before[previous]
    local from_y = step == 0 and 0 or from_x - previous
    local start_x = step == 0 and 0 or is_down and from_x or from_x + 1
    while x > start_x do
      reversed[#reversed + 1] = { " ", old[x] }
      x, y = x - 1, y - 1
    end
    if step > 0 then
      reversed[#reversed + 1] = is_down and { "+", new[y] } or { "-", old[x] }
      x, y = from_x, from_y
    end
  end
  local script = {}
  for place = #reversed, 1, -1 do
    script[#script + 1] = reversed[place]
  end
  return script
end

local function range(first, count)
  return count == 1 and ("%d"):format(first) or ("%d,%d"):format(count == 0 and first - 1 or first, count)
end

-- Writes the part of a script between two places.
local function write_hunk(out, script, first, last, old_line, new_line)
  local old_count, new_count, body = 0, 0, {}
  for place = first, last do
    local sign, line = script[place][1], script[place][2]
    old_count = old_count + (sign ~= "+" and 1 or 0)
    new_count = new_count + (sign ~= "-" and 1 or 0)
    body[#body + 1] = sign .. (line:find "\n$" and line or line .. "\n\\ No newline at end of file\n")
  end
  out[#out + 1] = ("@@ -%s +%s @@\n"):format(range(old_line, old_count), range(new_line, new_count))
  out[#out + 1] = table.concat(body)
end

-- Returns the places of a script that are shown: the first and last of each hunk.
local function hunks_of(script)
  local hunks, first, last_change = {}, nil, nil
  for place, step in ipairs(script) do
    if step[1] ~= " " then
      if not first then
        first = math.max(1, place - CONTEXT)
      elseif place - last_change > 2 * CONTEXT then
        hunks[#hunks + 1] = { first, last_change + CONTEXT }
        first = place - CONTEXT
      end
      last_change = place
    end
  end
  if first then
    hunks[#hunks + 1] = { first, math.min(#script, last_change + CONTEXT) }
  end
  return hunks
end

local escapes = { ["\t"] = "\\t", ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\" }

-- Returns the name of a file in a header; quoted as git does, if it could end the header.
local function name_of(path)
  if not path:find '[\1-\31\127"\\]' then
    return path
  end
  return '"' .. path:gsub('[\1-\31\127"\\]', function(character)
    return escapes[character] or ("\\%03o"):format(character:byte())
  end) .. '"'
end

--- Returns the differences of a file, as `diff -u` writes them; nil if there are none.
---@param path string
---@param old string? nil: there was no such file
---@param new string? nil: there is no such file any more
---@return string?
function M.write(path, old, new)
  local script = script_of(lines_of(old or ""), lines_of(new or "")) --[[@as table[] ]]
  local from, to = old and name_of("a/" .. path) or "/dev/null", new and name_of("b/" .. path) or "/dev/null"
  local out = { ("--- %s\n+++ %s\n"):format(from, to) }
  local place, old_line, new_line = 1, 1, 1
  for _, hunk in ipairs(hunks_of(script)) do
    while place < hunk[1] do
      old_line, new_line, place = old_line + 1, new_line + 1, place + 1 -- equal lines
    end
    write_hunk(out, script, hunk[1], hunk[2], old_line, new_line)
    while place <= hunk[2] do
      old_line = old_line + (script[place][1] ~= "+" and 1 or 0)
      new_line = new_line + (script[place][1] ~= "-" and 1 or 0)
      place = place + 1
    end
  end
  return #out > 1 and table.concat(out) or nil
end

return M
