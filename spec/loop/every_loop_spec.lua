-- Runs the same scenarios in each host, each host in its own process: every loop must behave alike.
local conformance = require "spec.support.conformance"

local is_jit = rawget(_G, "jit") ~= nil

-- Debian's is for Lua 5.1, 5.2 and LuaJIT only, its copas 4 for none; spec/loop/copas/init_spec.lua misses it.
local has_copas = pcall(function() return require("copas").semaphore end)
local has_cqueues = _VERSION ~= "Lua 5.5" -- nor has Debian's cqueues heard of that one

describe("every loop", function()
  local servers

  setup(function() servers = conformance.servers() end)
  teardown(function() servers:close() end)

  local function in_host(name, run)
    it(("does the same: %s"):format(name), function()
      local lines = run(servers)
      local bad = {}
      for i, line in ipairs(lines) do
        if not line:find "^ok " and i < #lines then bad[#bad + 1] = line end
      end
      assert.same({}, bad)
      assert.equal("end", lines[#lines])
      assert.equal(2 * #require "spec.conformance.scenarios" + 1, #lines)
    end)
  end

  in_host("plain", function() return conformance.in_library(servers, "plain") end)
  in_host("uv", function() return conformance.in_library(servers, "uv") end)
  if has_cqueues then
    in_host("cqueues", function() return conformance.in_library(servers, "cqueues") end)
  end
  if has_copas then
    in_host("copas", function() return conformance.in_library(servers, "copas") end)
  end
  if is_jit then -- which both of them have inside
    in_host("Neovim", function() return conformance.in_neovim(servers) end)
    in_host("nginx", function() return conformance.in_nginx(servers) end)
  end
end)
