-- A client in a process that was forked while it was in use: it touches nothing of the parent.
local core = require "openhands.core"
local canary = require "spec.support.canary"
local core_service = require "spec.support.core_service"

local id = "0123456789abcdef0123456789abcdef"

describe("a client on the wire", function()
  local here = core_service.new()
  local server, new_handle = here.server, here.handle

  teardown(function() server:close() end)
  before_each(here.reset)

  describe("in a forked child", function()
    local found, ffi = pcall(require, "ffi")

    -- What a function returns in a child, a number below 256; 255 where it raised.
    local function forked(inside)
      ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]]
      local child = ffi.C.fork()
      if child == 0 then
        local good, code = pcall(inside)
        ffi.C._exit(good and code or 255)
      end
      local status = ffi.new "int[1]"
      assert.are.equal(child, ffi.C.waitpid(child, status, 0))
      return status[0] / 256
    end

    local function fork_it(name, body)
      it(name, function()
        if not found then return pending "needs a Lua that can fork" end
        body()
      end)
    end

    -- A bit for each thing that holds, so that a failure says which one does not.
    local function bits(...)
      local sum = 0
      for index = 1, select("#", ...) do
        if select(index, ...) then sum = sum + 2 ^ (index - 1) end
      end
      return sum
    end

    local function foreign(operate, ...)
      local good, problem = pcall(operate, ...)
      return not good and tostring(problem):find("belongs to another process: make one after the fork", 1, true) ~= nil
    end

    fork_it("raises, and leaves the connections of the parent alone", function()
      local client = canary.client(server, { api = "v0" })
      assert.are.equal("not_found", select(2, client:status(id)).kind)
      assert.are.equal(7, forked(function()
        local refused = not pcall(client.status, client, id)
        client:close()
        collectgarbage()
        return refused and 7 or 1
      end))
      local accepted = server:connections().accepted
      assert.are.equal("not_found", select(2, client:status(id)).kind)
      assert.are.equal(accepted, server:connections().accepted)
      client:close()
    end)

    fork_it("is taken over when it had opened nothing, by each child and by the parent", function()
      local client, handle = canary.client(server, { api = "v0" }), new_handle()
      local function works()
        local number = core.status(handle, id, { api = "v0" })
        for _ = 1, 1000 do
          if handle:in_flight() == 0 then break end
          handle:step(0.1)
        end
        return bits(not handle:is_inherited(), number == 1, select(2, handle:next()) == core.null,
          select(2, client:status(id)).kind == "not_found", pcall(core.poll, { handle }, 0))
      end
      for _ = 1, 2 do
        assert.are.equal(31, forked(function()
          if handle:is_inherited() then return 0 end
          return forked(works) == 31 and works() or 0
        end))
      end
      assert.are.equal(31, works())
      assert.are.equal(7, forked(function() -- used meanwhile: now it is the parent's
        return bits(handle:is_inherited(), foreign(handle.step, handle), foreign(core.poll, { handle }, 0))
      end))
      client:close()
      handle:close()
    end)

    for name, open in pairs {
      ["an exchange in flight"] = function(handle) core.status(handle, id, { api = "v0" }) end,
      ["an end that nobody has taken"] = function(handle) handle:cancel(core.status(handle, id, { api = "v0" })) end,
      ["its descriptor open"] = function(handle) handle:pollfd() end,
      ["been stepped"] = function(handle) handle:step(0) end,
    } do
      fork_it("is foreign when it had " .. name, function()
        local handle = new_handle()
        open(handle)
        assert.is_false(handle:is_inherited())
        assert.are.equal(127, forked(function()
          local inherited = handle:is_inherited()
          local refused = bits(inherited, foreign(handle.step, handle), foreign(handle.next, handle),
            foreign(handle.pollfd, handle), foreign(core.status, handle, id, { api = "v0" }))
          handle:close()
          return refused + 32 * bits(not handle:is_inherited(), (pcall(handle.close, handle)))
        end))
        assert.is_false(handle:is_inherited())
        handle:close()
        assert.is_false(handle:is_inherited())
      end)
    end

    fork_it("is foreign when its exchange is with a carrier", function()
      local handle = core.new { base_url = server.address, api_key = canary.key, external = true }
      assert.are.equal(0, forked(function() return bits(handle:is_inherited(), foreign(handle.step, handle)) end))
      core.status(handle, id, { api = "v0" })
      assert.are.equal(3, forked(function() return bits(handle:is_inherited(), foreign(handle.step, handle)) end))
      handle:outgoing()
      assert.are.equal(3, forked(function() return bits(handle:is_inherited(), foreign(handle.step, handle)) end))
      handle:close()
    end)
  end)
end)
