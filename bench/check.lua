-- Compares counts of instructions with the baseline: `lua check.lua COUNTS.tsv BASELINE.json [--update]`. A count may
-- be three per cent above the baseline; one that is three per cent below asks for a new baseline. Both limits are
-- scaled by the ratio of plain libcurl's counts, here and in the baseline: another libc is no regression.
local cjson = require "cjson"

local path, baseline_path, is_update = arg[1], arg[2], arg[3] == "--update"
local TOLERANCE = 0.03

local versions, counts, order = {}, {}, {}
for line in io.lines(path) do
  local work, name, value = line:match "^(.-)\t(.-)\t(.*)$"
  if work == "version" then
    versions[name] = value
  else
    if not counts[work] then
      counts[work], order[#order + 1] = {}, work
    end
    local count = tonumber(value) or error(("%s with %s was not measured"):format(work, name))
    counts[work][name] = math.min(counts[work][name] or count, count)
  end
end

local function names_of(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function write_baseline()
  local lines = { "{", '  "versions": {' }
  local function add(set, format)
    local names = names_of(set)
    for place, name in ipairs(names) do
      lines[#lines + 1] = ("    %q: " .. format .. "%s"):format(name, set[name], place < #names and "," or "")
    end
  end
  add(versions, "%q")
  for _, work in ipairs(order) do
    lines[#lines + 1] = "  },"
    lines[#lines + 1] = ("  %q: {"):format(work)
    add(counts[work], "%d")
  end
  lines[#lines + 1] = "  }\n}\n"
  local file = assert(io.open(baseline_path, "w"))
  assert(file:write(table.concat(lines, "\n")))
  file:close()
  print("written: " .. baseline_path)
end

if is_update then
  write_baseline()
  return
end

local file = assert(io.open(baseline_path))
local baseline = cjson.decode(file:read "*a")
file:close()

local passed, failed = 0, 0
for _, work in ipairs(order) do
  local known = baseline[work] or {}
  local scale = known.C and counts[work].C / known.C or 1
  for _, name in ipairs(names_of(counts[work])) do
    local count = counts[work][name]
    local is_comparable = known[name] and baseline.versions[name] == versions[name]
      and baseline.versions.libcurl == versions.libcurl
    if name ~= "C" and is_comparable then
      local change = count / (known[name] * scale) - 1
      local good = change <= TOLERANCE
      passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
      print(("%-8s %-8s %9d instructions  %5.2f of plain libcurl's  %+5.1f %%  %s"):format(work, name, count,
        count / counts[work].C, change * 100, not good and "TOO MANY" or change >= -TOLERANCE and "ok"
        or "ok, and the baseline should follow: tools/bench_check.sh --update"))
    elseif name ~= "C" then
      print(("%-8s %-8s %9d instructions: no baseline for this version of it or of libcurl"):format(work, name, count))
    end
  end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
