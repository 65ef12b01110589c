-- Writes what tools/bench.sh has measured: `lua report.lua RESULTS.tsv` prints bench/RESULTS.md, and
-- `lua report.lua RESULTS.tsv WORK` the table of one work, as plain text.
local path, only = arg[1], arg[2]

-- What we want of a work: the most that the CPU time may be, as a ratio to the lower bound, by Lua.
local targets = {
  v0 = { ["lua5.4"] = 1.20, luajit = 1.12 },
  v1 = { ["lua5.4"] = 1.20, luajit = 1.12 },
  events = { ["lua5.4"] = 7.5, luajit = 6.0 },
  start = { ["lua5.4"] = 1.25, luajit = 1.25 },
  many = { ["lua5.4"] = 1.20, luajit = 1.15 },
  many_tls = { ["lua5.4"] = 1.20, luajit = 1.15 },
  first = { ["lua5.4"] = 1.5, luajit = 1.5 },
}

local facts, peers, missing, works, by_work = {}, {}, {}, {}, {}
local readers = {
  peer = function(name, version) peers[#peers + 1] = { name = name, version = version } end,
  missing = function(what) missing[#missing + 1] = what end,
  work = function(name, floor, title)
    works[#works + 1] = { name = name, floor = floor, title = title }
    by_work[name] = {}
  end,
  run = function(work, peer, us, memory, seconds, floor_us)
    local runs = by_work[work][peer] or { us = {}, memory = {}, seconds = {}, ratio = {} }
    by_work[work][peer] = runs
    table.insert(runs.us, tonumber(us))
    table.insert(runs.memory, tonumber(memory) / 1024)
    table.insert(runs.seconds, tonumber(seconds))
    table.insert(runs.ratio, tonumber(us) / tonumber(floor_us))
  end,
  unsupported = function(work, peer) by_work[work][peer] = "cannot" end,
  failed = function(work, peer) by_work[work][peer] = by_work[work][peer] or "failed" end,
}

for line in io.lines(path) do
  local words = {}
  for word in (line .. "\t"):gmatch "(.-)\t" do
    words[#words + 1] = word
  end
  local read = readers[words[1]]
  if read then
    read((table.unpack or unpack)(words, 2))
  else
    facts[words[1]] = words[2]
  end
end

local function median(list)
  table.sort(list)
  local half = (#list + 1) / 2
  return (list[math.floor(half)] + list[math.ceil(half)]) / 2, list[1], list[#list]
end

local function target_of(work, peer)
  local lua = peer.name:match "^openhands, (.+)"
  return lua and targets[work.name] and targets[work.name][lua]
end

-- Returns the rows of a work, each a list of words, the cheapest peer first.
local function rows_of(work)
  local rows = {}
  for _, peer in ipairs(peers) do
    local runs = by_work[work.name][peer.name]
    if type(runs) == "table" then
      local ratio, least, most = median(runs.ratio)
      local target = target_of(work, peer)
      rows[#rows + 1] = { peer.name, ("%.1f"):format(median(runs.us)), ("%.2f"):format(ratio),
        ("%.2f–%.2f"):format(least, most), ("%.0f"):format(median(runs.memory)),
        target and ("≤ %.2f: %s"):format(target, ratio <= target and "met" or "not met") or "", ratio = ratio }
    end
  end
  table.sort(rows, function(a, b) return a.ratio < b.ratio end)
  return rows
end

local head = { "client", "µs of CPU a call", "ratio", "min–max", "peak MB", "target" }

if only then
  for _, work in ipairs(works) do
    if work.name == only then
      for _, row in ipairs(rows_of(work)) do
        print(("  %-28s %10s µs  %7s  (%s)  %5s MB  %s"):format((table.unpack or unpack)(row)))
      end
    end
  end
  return
end

print "# What a call costs\n"
print(("Written by `make bench` on %s: %s.\n"):format(facts.date, facts.machine))
for _, work in ipairs(works) do
  print(("## %s\n"):format(work.title))
  print("| " .. table.concat(head, " | ") .. " |\n|---|--:|--:|--:|--:|---|")
  for _, row in ipairs(rows_of(work)) do
    print("| " .. table.concat(row, " | ") .. " |")
  end
  print ""
end
