-- An answer of a few MiB can become hundreds of MiB of Lua tables. The memory must be limited before the first value is
-- created.

local lfs = require "lfs"
local processes = require "spec.support.processes"

local PROGRAM = [[
  local read = require("spec.support.json_reader").new { max_body = SIZE + 1 }
  local function peak()
    local file = io.open "/proc/self/status"
    local kilobytes = file:read("*a"):match "VmHWM:%s*(%d+)"
    file:close()
    return tonumber(kilobytes)
  end
  local text = BOMB
  collectgarbage()
  local before = peak()
  local value, err = read(text)
  io.write(type(value), " ", err and err.kind or "", " ", peak() - before)
]]

local SIZE = 8388607 -- 8 MiB, all but one byte
local bombs = {
  ["of empty lists"] = { '"[" .. ("[],"):rep(n) .. "[]]"', 3 },
  ["of empty objects"] = { '"[" .. ("{},"):rep(n) .. "{}]"', 3 },
  ["of lists within lists"] = { '"[" .. ("[[[[]]]],"):rep(n) .. "[]]"', 9 },
}

describe("an answer of 8 MiB", function()
  local is_watched = (os.getenv "LD_PRELOAD" or ""):find("asan", 1, true)

  for name, bomb in pairs(bombs) do
    it(name .. " is refused before it takes memory", function()
      if is_watched or not lfs.attributes "/proc/self/status" then return end
      local expression = "(function(n) return " .. bomb[1] .. " end)(" .. math.floor((SIZE - 6) / bomb[2]) .. ")"
      local child = processes.child((PROGRAM:gsub("BOMB", function() return expression end):gsub("SIZE", SIZE)))
      assert.equal("", child.errors)
      local kind, kilobytes = child.output:match "^nil (%S+) (%d+)$"
      assert.equal("too_large", kind, child.output)
      assert(tonumber(kilobytes) < 24 * 1024, child.output)
    end)
  end
end)
