-- Draws the chart of bench/RESULTS.md as SVG: a panel of bars for each work, and the curve of watching.
local M = {}

local WIDTH, BAR, LABEL = 470, 16, 190 -- of a panel; height of a bar; width of the names
local COLUMNS, GAP = 2, 24

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"))
end

local function text_at(x, y, text, more)
  return ('<text x="%.1f" y="%.1f"%s>%s</text>'):format(x, y, more and " " .. more or "", escape(text))
end

local function title_at(text)
  return text_at(0, 14, text, 'font-weight="bold"')
end

-- Returns where a value lies on a logarithmic scale of a width.
local function scaled(value, least, most, width)
  return math.log(math.max(value, least) / least) / math.log(most / least) * width
end

-- Bars of the ratios, on a logarithmic scale that begins at a half.
local function bars(panel)
  local most, parts = 2, { title_at(panel.title) }
  for _, row in ipairs(panel.rows) do
    most = math.max(most, row.ratio)
  end
  local room = WIDTH - LABEL - 50
  for place, row in ipairs(panel.rows) do
    local y = 6 + place * BAR
    local colour = row.is_ours and "#d9480f" or row.is_floor and "#343a40" or "#74a9cf"
    parts[#parts + 1] = text_at(LABEL - 6, y + 11, row.name, 'text-anchor="end"'
      .. (row.is_ours and ' font-weight="bold"' or ""))
    local length = scaled(row.ratio, 0.4, most, room)
    parts[#parts + 1] = ('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'):format(LABEL, y, length, BAR - 3,
      colour)
    parts[#parts + 1] = text_at(LABEL + length + 4, y + 11, ("%.2f"):format(row.ratio))
  end
  local x, height = LABEL + scaled(1, 0.4, most, room), 8 + (#panel.rows + 1) * BAR
  parts[#parts + 1] = ('<path d="M%.1f 20V%d" stroke="#343a40" stroke-dasharray="2 2"/>'):format(x, height - 2)
  return table.concat(parts, "\n"), height
end

-- Milliseconds of CPU over the number of conversations, both on logarithmic scales.
local function curve(curves)
  local height, left, colours = 220, 50, { "#d9480f", "#f08c00", "#74a9cf", "#2b8a3e", "#343a40", "#5f3dc4" }
  local parts = { title_at "Watching N conversations: ms of CPU for one poll of each" }
  local least, most = math.huge, 0
  for _, line in ipairs(curves) do
    for _, point in ipairs(line) do
      least, most = math.min(least, point[2]), math.max(most, point[2])
    end
  end
  least, most = 10 ^ math.floor(math.log(least) / math.log(10)), 10 ^ math.ceil(math.log(most) / math.log(10))
  local function place(count, value)
    return left + scaled(count, 1, 10000, WIDTH - left - 60), height - 24 - scaled(value, least, most, height - 60)
  end
  local mark = least
  while mark <= most * 1.01 do
    local _, y = place(1, mark)
    parts[#parts + 1] = ('<path d="M%d %.1fH%d" stroke="#dee2e6"/>'):format(left, y, WIDTH - 60)
    parts[#parts + 1] = text_at(left - 6, y + 4, ("%g"):format(mark), 'text-anchor="end"')
    mark = mark * 10
  end
  for exponent = 0, 4 do
    parts[#parts + 1] = text_at(place(10 ^ exponent, least), height - 8, ("%d"):format(10 ^ exponent),
      'text-anchor="middle"')
  end
  for number, line in ipairs(curves) do
    local points = {}
    for _, point in ipairs(line) do
      local x, y = place(point[1], point[2])
      points[#points + 1] = ("%.1f,%.1f"):format(x, y)
    end
    parts[#parts + 1] = ('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>'):format(
      table.concat(points, " "), colours[number])
    parts[#parts + 1] = text_at(left + 10, 24 + number * 14, line.name, ('fill="%s"'):format(colours[number]))
  end
  return table.concat(parts, "\n"), height
end

--- Returns the SVG.
---@param panels { title: string, rows: table[] }[] each row has `name`, `ratio`, `is_ours`, `is_floor`
---@param curves table[] each has a `name` and points `{ count, milliseconds }`
---@return string
function M.draw(panels, curves)
  local drawn, bottoms = {}, {}
  for column = 1, COLUMNS do
    bottoms[column] = GAP
  end
  local function add(content, height)
    local column = 1
    for other = 2, COLUMNS do
      column = bottoms[other] < bottoms[column] and other or column
    end
    drawn[#drawn + 1] = ('<g transform="translate(%d %d)">\n%s\n</g>'):format(GAP + (column - 1) * (WIDTH + GAP),
      bottoms[column], content)
    bottoms[column] = bottoms[column] + height + GAP
  end
  for _, panel in ipairs(panels) do
    add(bars(panel))
  end
  if #curves > 0 then
    add(curve(curves))
  end
  local width, height = GAP + COLUMNS * (WIDTH + GAP), math.max((table.unpack or unpack)(bottoms))
  return ([[
<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="#fff"/>
%s
</svg>
]]):format(width, height, table.concat(drawn, "\n"))
end

return M
