-- Unusual values of settings were refused or misread: infinite times, an empty proxy, a key function that fails, a
-- misspelt name.

local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"
local in_process = require "spec.support.in_process"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local huge = math.huge

local function refused(pattern, run, ...)
  local good, message = pcall(run, ...)
  assert.is_false(good)
  assert.is_truthy(tostring(message):find(pattern), message)
end

describe("an infinite time", function()
  local TASK = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}'

  for _, name in ipairs { "timeout", "connect_timeout", "deadline", "grace" } do
    it(("may be given as %s, of a client and of a call"):format(name), function()
      for _, of_client in ipairs { true, false } do
        local client = in_process.scripted(function(request)
          return in_process.json(request.method == "POST" and TASK or "7")
        end, { api = "v1", [name] = of_client and huge or nil })
        local options = { [name] = not of_client and huge or nil }
        assert.are.equal(7, assert(client:count({}, options)))
        assert(client:start({ initial_user_msg = "x" }, options))
      end
    end)

    it(("works over a socket as %s"):format(name), function()
      local server = raw_server.new(function() return raw_server.answer "7" end)
      local client = canary.client(server, { loop = "uv", api = "v1", [name] = huge })
      assert.are.equal(7, assert(client:count()))
      client:close()
      server:close()
    end)
  end

  it("may be given to a wait, to a task's wait and to an interrupted sleep", function()
    for _, loop in ipairs { "plain", "uv" } do
      local simulator = require "openhands.simulator"
      local model = simulator.model()
      local client = openhands.new { transport = simulator.transport(model), api_key = "any", loop = loop ~= "plain"
        and loop or nil }
      assert.are.equal("finished", assert(client:run({ initial_user_msg = "x" }, { timeout = huge, deadline = huge }))
        .state)
      local sleeper = client:spawn(client.sleep, client, huge)
      local other = client:spawn(function() sleeper:cancel() return 3 end)
      assert.are.equal(3, other:wait(huge))
      client:close()
    end
  end)

  it("is refused when it is NaN or too small", function()
    for _, name in ipairs { "timeout", "connect_timeout", "deadline", "grace" } do
      for _, value in ipairs { 0 / 0, -1, -huge } do
        refused("'" .. name .. "' must be at least", openhands.new, { [name] = value })
      end
    end
  end)

  it("is refused as a number of retries or bytes", function()
    refused("'retries' must be a whole number", openhands.new, { retries = huge })
    refused("'retries' must be a whole number", openhands.new, { retries = 1.5 })
    refused("'max_body' must be a number of bytes, at most 2147483647", openhands.new, { max_body = huge })
  end)
end)

describe("a misspelt name", function()
  local client = in_process.scripted(function() error "nothing is sent" end, { api = "v1" })

  local fields = {
    repo = "repository", prompt = "initial_user_msg", message = "initial_user_msg", branch = "selected_branch",
    model = "llm_model", repositry = "repository",
  }
  for wrong, right in pairs(fields) do
    it("is reported with the right one in a start: " .. wrong, function()
      refused(("did you mean '%s'%%?"):format(right), client.start, client, { initial_user_msg = "x", [wrong] = "y" })
      refused(("did you mean '%s'%%?"):format(right), client.run, client, { initial_user_msg = "x", [wrong] = "y" })
    end)
  end

  it("is reported with the right one in settings and options", function()
    refused("unknown setting 'apikey' %(did you mean 'api_key'%?%)", openhands.new, { apikey = "x" })
    refused("unknown setting 'base_ulr' %(did you mean 'base_url'%?%)", openhands.new, { base_ulr = "x" })
    refused("unknown setting 'sesion_api_key' %(did you mean 'session_api_key'%?%)", openhands.new,
      { sesion_api_key = "x" })
    refused("unknown option 'on_chnage' %(did you mean 'on_change'%?%)", client.wait, client, ("0"):rep(32),
      { on_chnage = print })
    refused("unknown option 'timeot' %(did you mean 'timeout'%?%)", client.me, client, { timeot = 1 })
    refused("unknown option 'concurency' %(did you mean 'concurrency'%?%)", client.all, client, {}, { concurency = 2 })
    refused("unknown option 'base_ur'$", client.me, client, { base_ur = 1 }) -- what a call may not have is no hint
    refused("unknown setting 'xyzzy'$", openhands.new, { xyzzy = 1 })
    refused("unknown setting '1'$", openhands.new, { "x" })
  end)

  it("is reported for a function of the module, with the caller's line", function()
    local here = "340%-values_of_settings_spec.lua:%d+: "
    refused(here .. "openhands.strat: there is no such function %(did you mean 'start'%?%)", function()
      return openhands.strat { initial_user_msg = "x" }
    end)
    refused("openhands.secrets.lst: there is no such function %(did you mean 'secrets.list'%?%)", function()
      return (openhands.secrets.lst {})
    end)
    assert.is_nil(openhands.something_else)
    assert.is_nil(openhands.stop_all)
    assert.is_nil(openhands._private)
    assert.is_nil(openhands[1])
    assert.is_nil(openhands.secrets.find)
  end)
end)

describe("the function given as api_key", function()
  local KEY = "sk-canary-5f2c91d7e0ab"

  local failures = {
    ["it returned nil, not a string"] = function() end,
    ["it returned a table, not a string"] = function() return { KEY } end,
    ["it returned a key that is empty"] = function() return "" end,
    ["it returned a key that contains a line break"] = function() return KEY .. "\n" end,
    ["it returned a key that contains a space"] = function() return " " .. KEY end,
    ["it returned a key that contains a byte that is not printable"] = function() return KEY .. "\195\164" end,
    ["it raised an error"] = function() error("cannot read " .. KEY) end,
    ["it yielded"] = function() return coroutine.yield(KEY) end,
  }
  for words, give in pairs(failures) do
    it("is reported with how it failed, and shows no key: " .. words, function()
      local client = in_process.scripted(function() error "nothing is sent" end, { api = "v1", api_key = give })
      local function ask()
        local _, err = client:count()
        return err
      end
      for _, err in ipairs { ask(), client:spawn(ask):wait() } do
        assert.are.equal("authentication", err.kind)
        assert.is_truthy(err.message:find(words, 1, true), err.message)
        canary.assert_no_secret(err, KEY)
      end
    end)
  end
end)

describe("proxy = \"\"", function()
  it("turns off those of the environment", function()
    local program = [[
      local openhands = require "openhands"
      local client = openhands.new { base_url = "https://127.0.0.1:1", api_key = "k", api = "v1", retries = 0,
        proxy = %s }
      local _, err = client:count()
      print(err.message)
    ]]
    local function message(proxy)
      local directory, remove = files.directory()
      files.write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path,
        package.cpath) .. program:format(proxy))
      local shell = assert(io.popen(("https_proxy=http://127.0.0.1:2 %s %s/program.lua 2>&1"):format(
        processes.quoted(processes.interpreter()), directory)))
      local output = shell:read "*a"
      shell:close()
      remove()
      return output
    end
    -- Older libcurls name the port that was tried, newer ones the proxy.
    local function is_proxied(text)
      assert.matches("onnect", text)
      return text:find("port 2", 1, true) ~= nil or text:find("over proxy", 1, true) ~= nil
    end
    assert.is_true(is_proxied(message "nil"), message "nil")
    assert.is_false(is_proxied(message '""'), message '""')
  end)

  it("is allowed for a service on loopback; a proxy is not, nor a NUL byte anywhere", function()
    openhands.new({ base_url = "http://127.0.0.1:1", api_key = "k", proxy = "" }):close()
    refused("proxy cannot be used", openhands.new, { base_url = "http://127.0.0.1:1", proxy = "http://127.0.0.1:2" })
    refused("proxy contains a NUL", openhands.new, { api_key = "k", proxy = "http://127.0.0.1:2\0" })
    refused("proxy contains a NUL", openhands.new, { api_key = "k", proxy = "\0" })
  end)
end)
