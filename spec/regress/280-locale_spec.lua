-- The locale of the host changed the data that was sent and read: under `tr_TR` no conversation ever settled, and under
-- `de_DE` fractions had a comma.

local files = require "spec.support.files"
local processes = require "spec.support.processes"

-- Runs a program in a Lua of its own that has a locale.
local function child(locale, program)
  local shell = assert(io.popen("tools/locale.sh " .. locale))
  local directory = shell:read "*l"
  shell:close()
  assert(directory, "there is no locale " .. locale)
  local path, remove = files.directory()
  files.write(path .. "/program.lua", ([[
    package.path, package.cpath = %q, %q
    assert(os.setlocale %q)
    %s
  ]]):format(package.path, package.cpath, locale, program))
  shell = assert(io.popen(("LOCPATH=%s %s %s/program.lua 2>&1"):format(processes.quoted(directory),
    processes.quoted(processes.interpreter()), path)))
  local output = shell:read "*a"
  shell:close()
  remove()
  return output
end

local WORKFLOW = [[
  local openhands = require "openhands"
  local simulator = require "openhands.simulator"
  for _, api in ipairs { "v0", "v1" } do
    local model = simulator.model { api = api }
    local client = openhands.new { transport = simulator.transport(model), api_key = "any" }
    local done = assert(client:run({ initial_user_msg = "Fix it.", repository = "acme/widgets" }, { timeout = 7200 }))
    local events = assert(client:events(done):all())
    print(api, done.state, done.settled, #events > 0, ("%.4f"):format(done.cost or 0.25):gsub(",", "."))
    client:close()
  end
]]

describe("the locale of the host", function()
  for _, locale in ipairs { "tr_TR.UTF-8", "de_DE.UTF-8" } do
    it("does not change how work is seen to end: " .. locale, function()
      local output = child(locale, WORKFLOW)
      for _, api in ipairs { "v0", "v1" } do
        assert.is_truthy(output:find(api .. "\tfinished\ttrue\ttrue\t%d+%.%d+"), output)
      end
    end)
  end

  it("changes neither letters nor fractions of the wire", function()
    local program = [[
      local ascii = require "openhands.simulator.encoding.ascii"
      local core = require "openhands.core"
      local json = require "openhands.simulator.encoding.json"
      local timestamps = require "openhands.simulator.encoding.timestamps"
      print(ascii.upper "finished \195\164", ascii.lower "IDLE \195\132",
        core.upper "finished \195\164", core.lower "IDLE \195\132", ascii.from_number(-1.5e-7, 14),
        ascii.from_number(7, 17), ascii.to_number "-2.5e3" == -2500, ascii.to_number "x.y", ascii.to_number "1,5")
      print(json.encode { 0.1, 1e300, -2.5 }, json.decode "[0.5, -1.25e2]"[1] == 0.5, json.decode "1.5" == 1.5)
      print(json.encode "a\0b\31\127\195\164")
      print(timestamps.parse "1970-01-01T00:00:01.5Z" == 1.5)
    ]]
    local expected = "FINISHED \195\164\tidle \195\132\tFINISHED \195\164\tidle \195\132\t-1.5e-07\t7\ttrue\tnil\tnil\n"
      .. '[0.1,1e+300,-2.5]\ttrue\ttrue\n"a\\u0000b\\u001f\\u007f\195\164"\ntrue\n'
    for _, locale in ipairs { "tr_TR.UTF-8", "de_DE.UTF-8" } do
      assert.are.equal(expected, child(locale, program))
    end
  end)

  it("changes no fraction of an answer or a request, even if it is set while a client is in use", function()
    local program = [[
      os.setlocale "C"
      local core = require "openhands.core"
      local client = core.new { base_url = "https://service.example", api_key = "any", external = true }
      assert(os.setlocale("de_DE.UTF-8", "numeric"))
      assert(jit or ("%.1f"):format(1.5) == "1,5") -- LuaJIT formats numbers by itself
      local number = core.status(client, "x", { api = "v0" })
      client:outgoing()
      local texts = { "0.30000000000000004", "1e23", "2.2250738585072011e-308", "1234567890123456789012.5" }
      local body = '{"cost":1.5,"list":[' .. table.concat(texts, ",") .. "]}"
      client:answer(number, { status = 200, body = body, content_type = "application/json" })
      local _, value = client:next()
      core.start(client, { initial_user_msg = "x", plugins = { { n = 1.5 } } }, { api = "v1" })
      local _, request = client:outgoing()
      os.setlocale("C", "numeric")
      for i, text in ipairs(texts) do assert(value.list[i] == tonumber(text), text) end
      print(value and value.cost, request.body:match '"n":[^}]*')
    ]]
    assert.matches('1%.5\t"n":1%.5', child("de_DE.UTF-8", program))
  end)

  it("does not change what a header or a type is", function()
    local program = [[
      local core = require "openhands.core"
      local client = core.new { base_url = "https://service.example", api_key = "any", external = true }
      local number = core.request(client, { path = "/x" }, {})
      client:outgoing()
      client:answer(number, { status = 200, body = '{"cost":1.5}', content_type = "APPLICATION/JSON" })
      local _, value = client:next()
      print(type(value))
    ]]
    assert.are.equal("table\n", child("tr_TR.UTF-8", program))
  end)
end)
