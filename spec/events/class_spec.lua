-- Events that a client has read: with the field `text`, and otherwise as the service sent them.
local cjson = require "cjson"
local event_lists = require "spec.support.event_lists"
local in_process = require "spec.support.in_process"
local processes = require "spec.support.processes"

local function lines_of(events)
  local lines = {}
  for place, event in ipairs(events) do lines[place] = event.text end
  return lines
end

describe("an event", function()
  it("of V1 has a line for people", function()
    local client, conversation = event_lists.ran({ api = "v1" }, nil, "Fix the typo")
    local lines = lines_of(client:events(conversation):all())
    assert.same({ "user: Fix the typo", "state: idle", "state: running",
      "read the start of README.md: $ sed -n 1,40p README.md", "exit 0: A libary for widgets." },
      { lines[1], lines[2], lines[3], lines[4], lines[5] })
    assert.equal("state: finished", lines[#lines])
  end)

  it("of V0 has a line for people", function()
    local client, conversation = event_lists.ran({ api = "v0" }, nil, "Fix the typo")
    local lines = lines_of(client:events(conversation):all())
    assert.equal("state: loading", lines[1])
    local all = table.concat(lines, "\n")
    for _, words in ipairs { "user: Fix the typo", "$ sed -n 1,40p README.md", "exit 0: A libary for widgets.",
      "state: finished" } do
      assert.truthy(all:find(words, 1, true), words)
    end
  end)

  it("has it however it is read", function()
    local client, conversation = event_lists.ran({ api = "v1" }, nil, "Fix the typo")
    local first = client:events(conversation):next()
    assert.equal("user: Fix the typo", tostring(first))
    assert.equal("user: Fix the typo", client:event_batch(conversation, { first.id })[first.id].text)
    local followed = client:events(conversation, { follow = true }):next()
    assert.equal("user: Fix the typo", followed.text)
    local agent = client:agent(conversation)
    assert.equal("user: Fix the typo", agent:events():next().text)
    assert.equal("user: Fix the typo", agent:event_batch({ first.id })[first.id].text)
    assert.equal("user: Fix the typo", agent:event(first.id).text)
  end)

  it("stays what the service sent", function()
    local client, conversation = event_lists.ran({ api = "v1" }, nil, "Fix the typo")
    local event = client:events(conversation):next()
    local names, copy = {}, {}
    for name, value in pairs(event) do names[#names + 1], copy[name] = name, value end
    table.sort(names)
    assert.is_nil((table.concat(names, " "):find "text"))
    assert.is_nil(copy.text)
    assert.is_nil(event.no_such_field)
    assert.equal("Fix the typo", cjson.decode(cjson.encode(event)).llm_message.content[1].text)
    assert.is_nil(rawget(event, "text"))
  end)

  it("can be sent as it was received", function()
    local sent
    local client = in_process.scripted(function(request)
      if request.method == "POST" then
        sent = request.body
        return in_process.json '{"success":true}'
      elseif not request.path:find "events$" then
        return in_process.json '{"conversation_id":"7f3b9a1c2d4e4f60a1b2c3d4e5f60718","status":"RUNNING"}'
      end
      return in_process.json '{"events":[{"id":1,"action":"message","args":{"content":"x"}}],"has_more":false}'
    end, { api = "v0" })
    local id = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
    local event = client:events(id):next()
    assert(client:add_event(id, { event = event }))
    assert.same({ id = 1, action = "message", args = { content = "x" } }, cjson.decode(sent))
  end)

  it("shows no line in the place of a field that the service sent", function()
    local client = in_process.scripted(function()
      return in_process.json '{"items":[{"id":"1","kind":"New","text":"\\u001b[1mown","message":"m"}, 7, null]}'
    end, { api = "v1" })
    local page = client:events("7f3b9a1c2d4e4f60a1b2c3d4e5f60718"):page()
    assert.equal("new: m", page[1].text)
    assert.equal("\27[1mown", page[1].fields.text)
    assert.equal(7, page[2])
  end)

  it("does not show the keys of its client", function()
    local client = in_process.scripted(function()
      return in_process.json '{"items":[{"id":"1","kind":"New","message":"it is sk-canary-0123456789 !"}]}'
    end, { api = "v1" })
    local event = client:events("7f3b9a1c2d4e4f60a1b2c3d4e5f60718"):next()
    assert.equal("new: it is [redacted] !", event.text)
    client:close()
    assert.equal("string", type(event.text))
  end)
end)

describe("the text of events", function()
  it("is loaded when it is first asked for", function()
    local program = [[
      local openhands = require "openhands"
      local simulator = require "openhands.simulator"
      local function loaded()
        local names = {}
        for name in pairs(package.loaded) do
          names[#names + 1] = name:match "^openhands%.(display.*)"
        end
        return #names
      end
      local model = simulator.model { api = "v1" }
      local client = openhands.new { transport = simulator.transport(model), api_key = "any" }
      local conversation = assert(client:start { initial_user_msg = "x" })
      model:advance(100)
      local event = client:events(conversation):next()
      local before = loaded()
      print(before, event.text, loaded() > 0)
    ]]
    local child = assert(io.popen(processes.quoted(processes.interpreter()) .. " -e " .. processes.quoted(program)))
    assert.equal("0\tuser: x\ttrue\n", child:read "*a")
    child:close()
  end)
end)
