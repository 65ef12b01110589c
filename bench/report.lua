-- Writes what tools/bench.sh has measured: `lua report.lua RESULTS.tsv WORK` prints the table of one work, and
-- `lua report.lua RESULTS.tsv INSTRUCTIONS.tsv CHART.svg` prints bench/RESULTS.md and draws the chart.
package.path = "bench/?.lua;" .. package.path
local chart = require "chart"

-- What we want. `ratio` and `instructions`: the highest ratios to the lower bound, for Lua 5.4 and for LuaJIT, of CPU
-- time and of instructions. `of_peers`: the highest ratio to the best client with lua-cjson. `memory`: the most, in MB.
local targets = {
  v0 = { ratio = { 1.20, 1.12 }, instructions = { 1.25, 1.10 } },
  v1 = { ratio = { 1.20, 1.12 }, instructions = { 1.25, 1.10 } },
  events = { ratio = { 7.5, 6.0 }, of_peers = 0.55 },
  start = { ratio = { 1.25, 1.25 } },
  first = { ratio = { 1.5, 1.5 } },
  many_tls = { ratio = { 1.20, 1.15 }, memory = 32 },
  many = { ratio = { 1.20, 1.15 }, memory = 32 },
}

-- ---- reading --------------------------------------------------------------------------------------------------------

local facts, peers, missing, works, by_work, watched = {}, {}, {}, {}, {}, {}
local readers = {}

function readers.peer(name, version) peers[#peers + 1] = { name = name, version = version } end

function readers.missing(what) missing[#missing + 1] = what end

function readers.work(name, floor, title)
  works[#works + 1] = { name = name, floor = floor, title = title }
  by_work[name] = {}
end

function readers.run(work, peer, us, memory, rate, floor_us)
  local runs = by_work[work][peer] or { us = {}, memory = {}, rate = {}, ratio = {} }
  by_work[work][peer] = runs
  table.insert(runs.us, tonumber(us))
  table.insert(runs.memory, tonumber(memory) / 1024)
  table.insert(runs.rate, tonumber(rate))
  table.insert(runs.ratio, tonumber(us) / tonumber(floor_us))
end

function readers.failed(work, peer) by_work[work][peer] = "failed" end

function readers.watch(lua, count, us, memory, requests)
  watched[lua] = watched[lua] or {}
  local list = watched[lua]
  if not list[#list] or list[#list].count ~= tonumber(count) then
    list[#list + 1] = { count = tonumber(count), us = {}, memory = {}, requests = {} }
  end
  local row = list[#list]
  table.insert(row.us, tonumber(us))
  table.insert(row.memory, tonumber(memory) / 1024)
  table.insert(row.requests, tonumber(requests))
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    local words = {}
    for word in (line .. "\t"):gmatch "(.-)\t" do
      words[#words + 1] = word
    end
    lines[#lines + 1] = words
  end
  return lines
end

for _, words in ipairs(lines_of(arg[1])) do
  local read = readers[words[1]]
  if read then
    read((table.unpack or unpack)(words, 2))
  else
    facts[words[1]] = words[2]
  end
end

-- ---- rows -----------------------------------------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  local half = (#list + 1) / 2
  return (list[math.floor(half)] + list[math.ceil(half)]) / 2, list[1], list[#list]
end

local function judge(words, is_met, ...)
  return words:format(...) .. (is_met and ": met" or ": **not met**")
end

-- Returns the place of a peer's Lua in `ratio` and `instructions` of a target; nil if the peer is another client.
local function place_of(peer)
  local lua = peer.name:match "^openhands, (.+)"
  return lua and (lua:find "jit" and 2 or 1)
end

-- Returns two CPU times of a work: of the best client with this Lua and lua-cjson, and of the best in Python or Node.
local function best_of_others(work, lua)
  local same_lua, other_languages
  for name, runs in pairs(by_work[work.name]) do
    local us = type(runs) == "table" and median(runs.us)
    if us and name:find("cjson, " .. lua, 1, true) then
      same_lua = math.min(same_lua or us, us)
    elseif us and (name:find "^Python" or name:find "^Node") then
      other_languages = math.min(other_languages or us, us)
    end
  end
  return same_lua, other_languages
end

local function verdict_of(work, peer, row)
  local target, place, verdicts = targets[work.name], place_of(peer), {}
  if not target or not place then
    return ""
  end
  verdicts[1] = judge("≤ %.2f", row.ratio <= target.ratio[place], target.ratio[place])
  if target.memory then
    verdicts[2] = judge("≤ %d MB", row.memory <= target.memory, target.memory)
  end
  if target.of_peers then
    local best, foreign = best_of_others(work, peer.name:match "^openhands, (.+)")
    verdicts[2] = best and judge("≤ %.2f of the best with cjson (%.2f)", row.us <= target.of_peers * best,
      target.of_peers, row.us / best)
    verdicts[#verdicts + 1] = foreign
      and judge("faster than Python and Node (%.2f)", row.us < foreign, row.us / foreign)
  end
  return table.concat(verdicts, "; ")
end

-- Returns the clients that did a work, the cheapest first.
local function rows_of(work)
  local rows = {}
  for _, peer in ipairs(peers) do
    local runs = by_work[work.name][peer.name]
    if type(runs) == "table" then
      local row = { name = peer.name, us = median(runs.us), memory = median(runs.memory), rate = median(runs.rate),
        is_ours = place_of(peer) ~= nil, is_floor = peer.name == work.floor }
      row.ratio, row.least, row.most = median(runs.ratio)
      row.verdict = verdict_of(work, peer, row)
      rows[#rows + 1] = row
    end
  end
  table.sort(rows, function(a, b) return a.ratio < b.ratio end)
  return rows
end

if #arg == 2 then
  for _, work in ipairs(works) do
    for _, row in ipairs(work.name == arg[2] and rows_of(work) or {}) do
      print(("  %-34s %9.1f µs %8.2f  (%.2f to %.2f) %5.0f MB  %s"):format(row.name, row.us, row.ratio, row.least,
        row.most, row.memory, (row.verdict:gsub("%*", ""))))
    end
  end
  return
end

-- ---- the page -------------------------------------------------------------------------------------------------------

local notes = {
  many = [[
Without HTTP/2, this library has at most a hundred connections to a server on the same machine, unless the setting
`connections` says otherwise; here it has one for each call, as the C program has. With fewer, calls queue for them, and
a process that sleeps between two answers pays more for each: C with a hundred connections shows how much.
]],
}

local function print_work(work)
  local in_flight = work.name:find "^many"
  print(("## %s\n"):format(work.title))
  if notes[work.name] then
    print(notes[work.name])
  end
  print("| client | µs of CPU a call | ratio to C | min to max | peak MB |" .. (in_flight and " calls/s |" or "")
    .. " target |\n|---|--:|--:|--:|--:|" .. (in_flight and "--:|" or "") .. "---|")
  for _, row in ipairs(rows_of(work)) do
    local name = row.is_ours and "**" .. row.name .. "**" or row.name
    print(("| %s | %.1f | %.2f | %.2f to %.2f | %s |%s %s |"):format(name, row.us, row.ratio, row.least, row.most,
      row.memory > 0 and ("%.0f"):format(row.memory) or "",
      in_flight and (" %.0f |"):format(row.rate) or "", row.is_floor and "the lower bound" or row.verdict))
  end
  local absent = {}
  for _, peer in ipairs(peers) do
    if type(by_work[work.name][peer.name]) ~= "table" then
      absent[#absent + 1] = peer.name .. (by_work[work.name][peer.name] and " (failed)" or "")
    end
  end
  print(#absent > 0 and ("\nCannot do this, or is not made for it: %s.\n"):format(table.concat(absent, "; ")) or "")
end

local function print_instructions(path)
  local counts, order, luas = {}, {}, {}
  for _, words in ipairs(lines_of(path)) do
    local work, name, count = words[1], words[2], tonumber(words[3])
    if work == "version" then
      luas[#luas + 1] = name ~= "libcurl" and name or nil
    else
      order[#order + 1] = not counts[work] and work or nil
      counts[work] = counts[work] or {}
      counts[work][name] = math.min(counts[work][name] or count, count)
    end
  end
  print "## Instructions of a call\n"
  print "In user space, counted by valgrind. `make bench-check` compares them with `bench/baseline.json`.\n"
  print("| work | C | " .. table.concat(luas, " | ") .. " | target |\n|---|--:|" .. ("--:|"):rep(#luas) .. "---|")
  for _, work in ipairs(order) do
    local cells, verdicts, floor = {}, {}, counts[work].C
    local target = targets[work] and targets[work].instructions
    for place, lua in ipairs(luas) do
      local ratio = counts[work][lua] / floor
      local most = target and target[lua:find "jit" and 2 or 1]
      cells[place] = ("%d (%.2f)"):format(counts[work][lua], ratio)
      verdicts[#verdicts + 1] = most and judge("≤ %.2f", ratio <= most, most) or nil
    end
    print(("| %s | %d | %s | %s |"):format(work, floor, table.concat(cells, " | "), table.concat(verdicts, "; ")))
  end
  print ""
end

local function print_watched()
  if not next(watched) then
    return
  end
  print "## Watching N conversations with one poller\n"
  print "CPU and requests are for one poll of each conversation; 99 share a request.\n"
  print "| Lua | N | requests | ms of CPU | µs a conversation | peak MB | target |"
  print "|---|--:|--:|--:|--:|--:|---|"
  for _, peer in ipairs(peers) do
    local lua = peer.name:match "^openhands, (.+)"
    local before
    for place, row in ipairs(lua and watched[lua] or {}) do
      local each, requests, least = median(row.us) / row.count, median(row.requests), math.ceil(row.count / 99)
      local verdict = judge("≤ %d", requests <= least, least)
      if place == #watched[lua] then
        verdict = verdict .. "; " .. judge("linear, a conversation costs ≤ 1.5 of one of %d (%.2f)",
          each <= 1.5 * before, watched[lua][place - 1].count, each / before)
      end
      print(("| %s | %d | %.1f | %.1f | %.1f | %.0f | %s |"):format(lua, row.count, requests, each * row.count / 1000,
        each, median(row.memory), verdict))
      before = each
    end
  end
  print ""
end

print "# What a call costs\n"
print(("Written by `make bench` on %s, at %s: %s.\nLoad average when it began: %s; more than 0.5 makes times vary.\n")
  :format(facts.date, facts.commit, facts.machine, facts.load))
print [[
One nginx on this machine answers all clients, with the id of the conversation that was asked for. The calls are about
fifty conversations in turn, as those of a program that follows some; calls in flight together each about another.
Counted is the CPU time of the client's process, user and system, without its start. Every run is paired with a run of
the same work in plain C on libcurl (`bench/peers/c_easy.c`, `c_multi.c`), which does not look into the answers; the
ratio is the median of the pairs' ratios. The other clients decode the JSON. Server and clients have a core each.
Calls a second are counted from the start of the process, the opening of its connections included.

![Ratios to plain C](results.svg)
]]
for _, work in ipairs(works) do
  print_work(work)
end
print_instructions(arg[2])
print_watched()
print "## Clients\n"
for _, peer in ipairs(peers) do
  print(("- %s: %s"):format(peer.name, peer.version))
end
for _, what in ipairs(missing) do
  print(("- missing: %s"):format(what))
end

local panels, curves = {}, {}
for place, work in ipairs(works) do
  panels[place] = { title = work.title, rows = rows_of(work) }
end
for lua, rows in pairs(watched) do
  local curve = { name = lua }
  for place, row in ipairs(rows) do
    curve[place] = { row.count, median(row.us) / 1000 }
  end
  curves[#curves + 1] = curve
end
table.sort(curves, function(a, b) return a.name < b.name end)
local file = assert(io.open(arg[3], "w"))
assert(file:write(chart.draw(panels, curves)))
file:close()
