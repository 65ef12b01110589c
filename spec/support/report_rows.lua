--- Rows of a ledger for the specs of reports.
local M = {}

local NOW = 1790000000

M.NOW = NOW

--- Returns a row of a run, as `ledger:runs` does.
---@param fields table at least `key` and `state`
---@return table
function M.row(fields)
  local row = {
    run_id = "run " .. fields.key, account_id = "account", fleet = "fleet", position = 1, attempts = 1,
    conversation_id = "00000000-0000-4000-8000-000000000000", created_at = NOW - 4000, lease_until = 0, not_before = 0,
  }
  for name, value in pairs(fields) do row[name] = value end
  return row
end

--- Returns a number of rows in all states.
---@param count integer
---@return table[]
function M.many(count)
  local states = { "done", "done", "done", "failed", "running", "queued", "ambiguous", "paused", "skipped",
    "cancelled" }
  local rows = {}
  for place = 1, count do
    local state = states[(place - 1) % #states + 1]
    local started = NOW - 4000 + place % 3000
    rows[place] = M.row {
      key = ("owner/repository-%d"):format(place), state = state, position = place,
      intended_at = state ~= "queued" and state ~= "skipped" and started or nil,
      ended_at = (state == "done" or state == "failed" or state == "cancelled") and started + 60 + place % 500 or nil,
      cost = state == "done" and place % 7 ~= 0 and 0.25 or nil,
      error = state == "failed" and "the tests do not run" or nil,
      result = state == "done" and ([[{"answer":"All done in %d.","url":"https://service.test/conversations/%d",
        "pull_requests":[{"url":"https://github.com/owner/repository-%d/pull/%d","number":%d,
        "repository":"owner/x"}]}]]):format(place, place, place, place, place) or nil,
    }
  end
  return rows
end

--- Texts that try to harm whoever shows them.
M.HOSTILE = {
  "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></style><script>alert(1)</script>",
  "javascript:alert(1)", "\27[31mred\27[2J\27]0;title\7 and \27]8;;http://evil.test\27\\link", "\155\051\049m",
  "abc\226\128\174gnp.exe", "\226\129\166isolated\226\129\169", "\216\185\216\177\216\168\217\138 \226\128\143mark",
  "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "a;=1+1", 'x";"=1', "line\r\nbreak\nand\rmore", "nul\0byte",
  "\255\254 no UTF-8 \192\175 \237\160\128",
  "\228\184\173\230\150\135\239\188\157 \240\159\142\137", "%s %d %%", "]]>", "&amp;",
  "e" .. ("\204\129"):rep(50), "--><!--", "\194\155\226\128\168\226\128\169\239\187\191",
}

--- Returns a row for each hostile text, which it has in every field.
---@return table[]
function M.hostile()
  local json, rows = require "openhands.simulator.encoding.json", {}
  for place, words in ipairs(M.HOSTILE) do
    local state = place % 2 == 0 and "done" or "failed"
    rows[place] = M.row {
      key = words, state = state, position = place, conversation_id = words, error = words, intended_at = NOW - 100,
      ended_at = NOW - 10, result = json.encode {
        answer = words, title = words, url = words,
        pull_requests = { { url = words, repository = words }, { url = "http://ok.test/" .. words } },
      },
    }
  end
  return rows
end

return M
