-- Measures how late calls end after their deadlines, in each loop in its real host. Each attempt is a process of its
-- own. Noise may spoil an attempt, so the majority counts. A call that ends too early or otherwise fails at once,
-- because no noise causes that. Ends with `N passed, N failed`.
local conformance = require "spec.support.conformance"

local needed = 3 -- attempts within the limit, before as many are beyond it
local most = 0.1 -- seconds

local is_jit = rawget(_G, "jit") ~= nil
local course = "spec.conformance.deadlines"

local hosts = { "plain", "uv", "cqueues" }
if is_jit or _VERSION == "Lua 5.1" or _VERSION == "Lua 5.2" then hosts[#hosts + 1] = "copas" end
if is_jit then -- both of them embed it
  hosts[#hosts + 1] = "Neovim"
  hosts[#hosts + 1] = "nginx"
end

local function lines_in(servers, host)
  if host == "Neovim" then return conformance.in_neovim(servers, course) end
  if host == "nginx" then return conformance.in_nginx(servers, course) end
  return conformance.in_library(servers, host, course)
end

-- Returns the median of the attempts and whether most were good; or nil and what went wrong.
local function measure(servers, host)
  local figures, good, bad = {}, 0, 0
  repeat
    local output = table.concat(lines_in(servers, host), "\n")
    local late = tonumber(output:match "^latest ([%d.]+)$")
    if not late then return nil, output end
    figures[#figures + 1] = late
    if late <= most then good = good + 1 else bad = bad + 1 end
  until good == needed or bad == needed
  table.sort(figures)
  return figures[needed], good == needed
end

local servers = conformance.servers()
local passed, failed = 0, 0
for _, host in ipairs(hosts) do
  local late, result = measure(servers, host)
  if late then
    print(("%-8s calls end at most %6.1f ms late, allowed %.0f  %s"):format(host, late * 1000, most * 1000,
      result and "ok" or "FAIL"))
  else
    print(("%-8s %s\n%-8s FAIL"):format(host, result, ""))
  end
  if late and result then passed = passed + 1 else failed = failed + 1 end
end
servers:close()
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
