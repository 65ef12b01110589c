--- Reads CSV (RFC 4180): a line of names, then a record in each line. Cells in quotes may hold commas, quotes and line
--- breaks.

local M = {}

-- Reads the cell at a place. Returns it, and the place after it; or nil and what is wrong.
local function read_cell(text, place)
  if text:sub(place, place) ~= '"' then
    local cell = text:match("^[^,\r\n]*", place)
    return cell, place + #cell
  end
  local pieces, from = {}, place + 1
  while true do
    local at = text:find('"', from, true)
    if not at then
      return nil, "a quote is not closed"
    end
    pieces[#pieces + 1] = text:sub(from, at - 1)
    if text:sub(at + 1, at + 1) ~= '"' then
      return table.concat(pieces, '"'), at + 1
    end
    from = at + 2
  end
end

-- Reads the row at a place. Returns its cells, and the place after it; or nil and what is wrong.
local function read_row(text, place)
  local cells = {}
  while true do
    local cell, after = read_cell(text, place)
    if not cell then
      return nil, after
    end
    cells[#cells + 1] = cell
    local sign = text:sub(after, after)
    if sign == "," then
      place = after + 1
    elseif sign == "" or sign == "\n" then
      return cells, after + 1
    elseif sign == "\r" then
      return cells, after + (text:sub(after + 1, after + 1) == "\n" and 2 or 1)
    else
      return nil, "there is something after a closing quote"
    end
  end
end

--- Returns the records of a text: tables with the cells by name; an empty cell is absent.
---@param text string
---@return table<string, string>[]?
---@return string? problem
---@return string[]? names of the columns
function M.read(text)
  text = text:gsub("^\239\187\191", "") -- the mark with which some programs begin UTF-8
  local names, place, records, number = nil, 1, {}, 0
  while place <= #text do
    local cells, after = read_row(text, place)
    number = number + 1
    if not cells then
      return nil, ("row %d: %s"):format(number, after)
    elseif not names then
      names = cells
    elseif #cells > 1 or cells[1] ~= "" then
      if #cells > #names then
        return nil, ("row %d has %d cells, but there are %d names"):format(number, #cells, #names)
      end
      local record = {}
      for column, cell in ipairs(cells) do
        record[names[column]] = cell ~= "" and cell or nil
      end
      records[#records + 1] = record
    end
    place = after --[[@as integer]]
  end
  if not names then
    return nil, "it is empty: its first line names the columns"
  end
  return records, nil, names
end

return M
