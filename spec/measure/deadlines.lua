-- How late a call ends whose time is over, in each loop in its real host. Each attempt is a process of its own; noise
-- only ever adds, so that the best of a few counts. Ends with `N passed, N failed`.
local conformance = require "spec.support.conformance"

local attempts = 5
local most = 0.1 -- seconds

local is_jit = rawget(_G, "jit") ~= nil
local course = "spec.conformance.deadlines"

local hosts = { "plain", "uv", "cqueues" }
if is_jit or _VERSION == "Lua 5.1" or _VERSION == "Lua 5.2" then hosts[#hosts + 1] = "copas" end
if is_jit then -- which both of them have inside
  hosts[#hosts + 1] = "Neovim"
  hosts[#hosts + 1] = "nginx"
end

local function lines_in(servers, host)
  if host == "Neovim" then return conformance.in_neovim(servers, course) end
  if host == "nginx" then return conformance.in_nginx(servers, course) end
  return conformance.in_library(servers, host, course)
end

local servers = conformance.servers()
local passed, failed = 0, 0
for _, host in ipairs(hosts) do
  local best, words = math.huge, ""
  for _ = 1, attempts do
    words = table.concat(lines_in(servers, host), "\n")
    best = math.min(best, tonumber(words:match "^latest ([%d.]+)$") or math.huge)
    if best <= most then break end
  end
  if best <= most then passed = passed + 1 else failed = failed + 1 end
  print(("%-8s calls end at most %6.1f ms late, allowed %.0f  %s"):format(host, best * 1000, most * 1000,
    best <= most and "ok" or "FAIL\n" .. words))
end
servers:close()
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
