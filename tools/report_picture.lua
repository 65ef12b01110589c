-- Makes doc/images/report.png: the page of a fleet's report, as Chromium shows it. The fleet runs on the simulator.
--   eval "$(make -s env)" && lua tools/report_picture.lua
-- Needs chromium; takes about a minute.
local openhands = require "openhands"

local FOLDER, PICTURE = "build/report", "doc/images/report.png"
local WIDTH, HEIGHT = 1100, 980 -- pixels

-- What becomes of the items, by name: an outcome of the simulator.
local outcomes = {
  billing = "error", search = "slow", gateway = "waiting", mailer = "error", reports = "slow",
}
local names = { "accounts", "billing", "catalog", "checkout", "gateway", "inventory", "mailer", "metrics", "orders",
  "payments", "pricing", "profiles", "reports", "search", "sessions", "shipping", "storefront", "taxes", "tokens",
  "webhooks" }

assert(os.execute(("rm -rf %s && mkdir -p %s doc/images"):format(FOLDER, FOLDER)))
local simulator = require("openhands.simulator").spawn { pace = 0.1 }
local client = openhands.new { base_url = simulator.address, api_key = "any" }
local fleet = assert(client:fleet {
  name = "cve-2026-1234", ledger = FOLDER .. "/ledger.db", slots = 6, start_interval = 0.4, interval = 0.2,
})
for _, name in ipairs(names) do
  assert(fleet:add {
    key = "acme/" .. name, repository = "acme/" .. name,
    initial_user_msg = "Fix CVE-2026-1234." .. (outcomes[name] and (" [simulate: %s]"):format(outcomes[name]) or ""),
  })
end
-- It ends while the slow ones are still at work.
fleet:run { timeout = 30 }
local page = assert(fleet:report()):html()
fleet:close()
client:close()
simulator:close()

local file = assert(io.open(FOLDER .. "/report.html", "wb"))
file:write(page)
file:close()
local pipe = assert(io.popen "pwd")
local here = pipe:read "*l"
pipe:close()
local command = ("chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir='%s/profile' "
  .. "--window-size=%d,%d --screenshot='%s' 'file://%s/%s/report.html' 2>&1"):format(FOLDER, WIDTH, HEIGHT, PICTURE,
  here, FOLDER)
pipe = assert(io.popen(command))
local output = pipe:read "*a"
pipe:close()
local picture = io.open(PICTURE, "rb")
if not picture or not output:find("written to file", 1, true) then
  error("Chromium made no picture: " .. output)
end
print(("%s: %d bytes"):format(PICTURE, picture:seek "end"))
picture:close()
