-- Neovim's JSON functions and other copies of lua-cjson have their own values for null, `{}` and `[]`. These values
-- were refused, or sent as something else.

local canary = require "spec.support.canary"

describe("values that a host's JSON functions make", function()
  local core, neovim, cjson
  local stand_in_for_cjson

  -- The core looks for them when it is loaded; here it finds stand-ins, each of the type that the host has.
  setup(function()
    neovim = { NIL = io.tmpfile(), _empty_dict_mt = {} }
    cjson = require "cjson"
    local marks = { empty_array = io.tmpfile(), empty_array_mt = {}, array_mt = {} }
    stand_in_for_cjson = setmetatable(marks, { __index = cjson })
    package.loaded.cjson, package.loaded["openhands.core"] = stand_in_for_cjson, nil
    rawset(_G, "vim", neovim)
    core = require "openhands.core"
    rawset(_G, "vim", nil)
    package.loaded.cjson = cjson
  end)

  teardown(function()
    package.loaded["openhands.core"] = nil
    neovim.NIL:close()
    stand_in_for_cjson.empty_array:close()
  end)

  local function body_of(operation, fields)
    local client = core.new { base_url = "https://service.example", api_key = canary.key, external = true }
    assert(core[operation](client, fields, { api = "v1" }))
    local _, outgoing = client:outgoing()
    client:close()
    return outgoing.body
  end

  local function empty_dict() return setmetatable({}, neovim._empty_dict_mt) end

  local function started(fields)
    fields.initial_user_msg, fields.conversation_id = "x", "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
    return body_of("start", fields)
  end

  it("are an absent field where its value is vim.NIL", function()
    local body = started { title = neovim.NIL, secrets = neovim.NIL }
    assert.is_nil(body:find("title", 1, true))
    assert.is_nil(body:find("secrets", 1, true))
  end)

  it("are null where vim.NIL stands deeper", function()
    local body = started { observability_metadata = { a = { neovim.NIL, 1 }, b = neovim.NIL } }
    assert.is_truthy(body:find('"a":[null,1]', 1, true), body)
    assert.is_truthy(body:find('"b":null', 1, true), body)
  end)

  it("are {} where there is vim.empty_dict()", function()
    local body = started { secrets = empty_dict(), observability_metadata = { inner = empty_dict() } }
    assert.is_truthy(body:find('"secrets":{}', 1, true), body)
    assert.is_truthy(body:find('"inner":{}', 1, true), body)
  end)

  it("are an object where something was put into vim.empty_dict()", function()
    local secrets = empty_dict()
    secrets.NAME = "value"
    assert.is_truthy(started({ secrets = secrets }):find('"secrets":{"NAME":"value"}', 1, true))
  end)

  it("may be the whole table of fields", function()
    local fields = empty_dict()
    assert.is_truthy(started(fields):find('"initial_message"', 1, true))
  end)

  it("are [] where there is cjson.empty_array, or a table with its marks", function()
    local body = started {
      pr_number = stand_in_for_cjson.empty_array,
      observability_tags = setmetatable({}, stand_in_for_cjson.empty_array_mt),
      observability_metadata = {
        a = stand_in_for_cjson.empty_array, b = setmetatable({ "x" }, stand_in_for_cjson.array_mt),
      },
    }
    assert.is_truthy(body:find('"pr_number":[]', 1, true), body)
    assert.is_truthy(body:find('"observability_tags":[]', 1, true), body)
    assert.is_truthy(body:find('"a":[]', 1, true), body)
    assert.is_truthy(body:find('"b":["x"]', 1, true), body)
  end)

  it("can be sent by a request of the caller's own", function()
    local body = body_of("request", {
      method = "POST", path = "/x", query = { b = stand_in_for_cjson.empty_array },
      body = { neovim.NIL, empty_dict(), stand_in_for_cjson.empty_array },
    })
    assert.equal("[null,{},[]]", body)
    assert.equal("{}", body_of("request", { method = "POST", path = "/x", query = neovim.NIL, body = empty_dict() }))
  end)

  it("are refused where they are none of these", function()
    local good, message = pcall(started, { observability_metadata = { stream = io.stdout } })
    assert.is_false(good)
    assert.matches("userdata, which JSON cannot hold", message)
    good, message = pcall(started, { secrets = setmetatable({}, {}) })
    assert.is_false(good)
    assert.matches("has a metatable", message)
  end)
end)

describe("a list made by openhands.array", function()
  it("is a list for a core that was loaded again, too", function()
    local first = require "openhands.core"
    local list = first.array()
    package.loaded["openhands.core"] = nil
    local second = require "openhands.core"
    local client = second.new { base_url = "https://service.example", api_key = canary.key, external = true }
    assert(second.request(client, { method = "POST", path = "/x", body = { list = list } }, {}))
    local _, outgoing = client:outgoing()
    client:close()
    package.loaded["openhands.core"] = first
    assert.equal('{"list":[]}', outgoing.body)
  end)
end)

if rawget(_G, "jit") then -- Neovim has LuaJIT built in, and loads the module that is built for it
  local neovim = require "spec.support.neovim"

  describe("in Neovim", function()
    it("what vim.json and vim.fn.json_decode make can be sent", function()
      local output = neovim.said(([[
        local core = require "openhands.core"
        local client = core.new { base_url = "https://service.example", api_key = %q, external = true }
        for _, decode in ipairs { vim.json.decode, vim.fn.json_decode } do
          assert(core.request(client, { method = "POST", path = "/x", body = decode '[null,{},{"a":null}]' }, {}))
          local _, outgoing = client:outgoing()
          say(outgoing.body)
        end
        client:close()
        vim.cmd "qa!"
      ]]):format(canary.key))
      assert.equal('[null,{},{"a":null}]\n[null,{},{"a":null}]\n', output)
    end)

    it("vim.empty_dict() is a table without fields", function()
      local output = neovim.said [[
        local openhands = require "openhands"
        local client = openhands.new { transport = { request = function(_, request)
          say(request.path, request.query or "no query")
          return { status = 200, headers = { { "content-type", "application/json" } }, body = '{"items":[]}' }
        end }, api_key = "any", api = "v1" }
        say(#assert(client:list(vim.empty_dict()):all()))
        client:close()
        vim.cmd "qa!"
      ]]
      assert.matches("^/api/v1/app%-conversations/search ", output)
      assert.matches("\n0\n$", output)
    end)

    it("a library that is loaded again has one autocommand, which closes the clients of all copies", function()
      local output = neovim.said [[
        local address, connections = silent_server()
        local clients = {}
        for turn = 1, 3 do
          for name in pairs(package.loaded) do
            if name:find "^openhands" then package.loaded[name] = nil end
          end
          local openhands = require "openhands"
          clients[turn] = openhands.new { base_url = address, api_key = "any", api = "v1" }
          clients[turn]:spawn(function(client) client:me() end, clients[turn])
          eventually(function() return connections() == turn end)
        end
        say(#vim.api.nvim_get_autocmds { event = "VimLeavePre" })
        vim.api.nvim_create_autocmd("VimLeave", { callback = function()
          for _, client in ipairs(clients) do say(tostring(client):match "closed") end
        end })
        vim.cmd "qa!"
      ]]
      assert.equal("1\nclosed\nclosed\nclosed\n", output)
    end)
  end)
end
