-- The programs of the cookbook for nginx and Neovim, in both. These have LuaJIT built in, so only the specs of LuaJIT
-- run this.
if not rawget(_G, "jit") then return end

local child = require "spec.support.neovim_child"
local files = require "spec.support.files"
local neovim = require "spec.support.neovim"
local nginx = require "spec.support.nginx"
local simulator = require "openhands.simulator"
local uv = require "luv"
local canary = require "spec.support.canary"

local SECRET = "a-secret-of-the-webhook"

describe("the program of the cookbook for", function()
  local service

  setup(function() service = simulator.spawn { pace = 0.01 } end)
  teardown(function() service:close() end)
  before_each(function() service:reset() end)

  -- ---- a webhook ---------------------------------------------------------------------------------------------------

  -- The signature that GitHub would send.
  local function signature_of(body)
    local path = os.tmpname()
    files.write(path, body)
    local pipe = assert(io.popen(("openssl dgst -sha1 -hmac %s <%s"):format(SECRET, path)))
    local digest = pipe:read("*a"):match "(%x+)%s*$"
    pipe:close()
    os.remove(path)
    return "sha1=" .. digest
  end

  local function labeled(name)
    return ('{"action":"labeled","label":{"name":"%s"},"issue":{"number":12,"title":"It \\"crashes\\""},'
      .. '"repository":{"full_name":"owner/repo"}}'):format(name)
  end

  it("a webhook starts a conversation for a labelled issue, once", function()
    local variables = { WEBHOOK_SECRET = SECRET, OPENHANDS_API_KEY = canary.key, OPENHANDS_BASE_URL = service.address }
    for name, value in pairs(variables) do uv.os_setenv(name, value) end
    local server
    finally(function()
      for name in pairs(variables) do uv.os_unsetenv(name) end
      if server then server:close() end
    end)
    -- The lines of nginx.conf that the program names.
    local head = files.read "examples/cookbook/webhook.lua"
    local environment = head:match "%-%- +(env [^\n]*;)\n"
    local location = head:match "%-%- +(location [^\n]*})\n"
    server = nginx.start {
      main = environment .. " env OPENHANDS_BASE_URL;",
      server = location:gsub("webhook%.lua", uv.cwd() .. "/examples/cookbook/webhook.lua"),
    }
    local function post(body, signature, delivery)
      return server:get { path = "/webhook", method = "POST", body = body, headers = ("X-Hub-Signature: %s\r\n"
        .. "X-GitHub-Delivery: %s\r\n"):format(signature, delivery or "72d3162e-cc78-11e3-81ab-4c9367dc0958") }
    end
    local body = labeled "openhands"
    assert.equal(401, select(2, post(body, signature_of "another")))
    local other = labeled "question"
    assert.equal(204, select(2, post(other, signature_of(other))))
    assert.same({}, service:starts())
    local link, status = post(body, signature_of(body))
    assert.same({ 202, "http" }, { status, link:sub(1, 4) })
    local again, status_again = post(body, signature_of(body))
    assert.same({ 202, link }, { status_again, again })
    assert.equal(1, service:jobs())
    assert.matches('Solve issue #12 %(It \\"crashes\\"%)', service:starts()[1].body)
    service:throttle("quota", 1)
    local words, failed = post(body, signature_of(body), "82d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert.equal(502, failed)
    assert.matches("^start: ", words)
    canary.assert_no_secret(server:log())
  end)

  -- ---- a selection of Neovim ---------------------------------------------------------------------------------------

  it("a selection sends the lines from Neovim, and tells the answer", function()
    local environment = ("OPENHANDS_BASE_URL=%s OPENHANDS_API_KEY=%s OPENHANDS_REPOSITORY=owner/repo"):format(
      service.address, canary.key)
    local output = neovim.said([[
      local told
      vim.notify = function(text) told = text end
      vim.cmd "luafile examples/cookbook/selection.lua"
      vim.cmd "file code.c"
      vim.api.nvim_buf_set_lines(0, 0, -1, false, { "one", "two", "three" })
      vim.cmd "normal! 2GVG\27"
      vim.cmd "'<,'>Agent Make it faster."
      local other = 0
      uv.new_timer():start(1, 1, function() other = other + 1 end)
      eventually(function() return told end)
      say(told, other > 10)
      vim.cmd "qa!"
    ]], 0, environment)
    assert.matches("^Done%.[^\n]* true\n$", output)
    local body = service:starts()[1].body
    assert.matches("Make it faster%.\\n\\nLines 2 to 3 of code%.c:\\n\\ntwo\\nthree", body)
    assert.is_truthy(body:find("owner/repo", 1, true))
  end)

  if not child.can_run() then return end

  it("a selection needs nothing but the plugin in Neovim", function()
    local output = child.with_service(service, canary.key)(([[
      child("vim.cmd('luafile ' .. ...)", %q)
      child "vim.cmd 'file code.c' vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'one', 'two', 'three' })"
      child "vim.cmd '2,3Agent Make it faster.'"
      told "Done."
      say(messages())
    ]]):format(child.root .. "/examples/cookbook/selection.lua"))
    assert.matches("^Done%.[^\n]*\n$", output)
    assert.matches("Make it faster%.\\n\\nLines 2 to 3 of code%.c:\\n\\ntwo\\nthree", service:starts()[1].body)
  end)
end)
