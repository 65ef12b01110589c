local json = require "openhands.simulator.encoding.json"
local raw_client = require "spec.support.raw_client"
local service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

local own_id, own_hex, nobody = service.own_id, service.own_hex, service.nobody
local path = "/api/v1/app-conversations/stream-start"

local states = { "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "RUNNING_SETUP_SCRIPT",
  "SETTING_UP_GIT_HOOKS", "SETTING_UP_SKILLS", "STARTING_CONVERSATION", "READY" }

local function states_of(tasks)
  local list = {}
  for position, task in ipairs(tasks) do list[position] = task.status end
  return list
end

describe("the simulator's streamed start", function()
  local here, model = service.new(), nil
  local call, start, conversation = here.call, here.start, here.conversation

  before_each(function() model = here.make() end)

  local function pieces_of()
    local response = model:request {
      method = "POST", path = path, headers = { authorization = "Bearer k" }, body = "{}",
    }
    local list = {}
    while true do
      local piece = response.stream()
      if not piece then return list end
      if type(piece) == "number" then model:advance(piece) else list[#list + 1] = piece end
    end
  end

  it("streams every state of its task, and is a start like any other", function()
    local tasks, response = start(nil, { conversation_id = own_id }, path)
    assert.are.equal(200, response.status)
    assert.are.same(states, states_of(tasks))
    assert.are.equal(14, model:time())
    assert.are.same({ own_hex, tasks[1].id }, { tasks[8].app_conversation_id, tasks[8].id })
    assert.are.same({ 1, own_hex, tasks[1].id },
      { #model.starts, model.starts[1].conversation_id, model.starts[1].task_id })
    assert.are.equal(own_hex, conversation().id)
    assert.are.same(tasks[8], here.get("/api/v1/app-conversations/start-tasks?ids=" .. tasks[1].id)[1])
    local links = {}
    for position, task in ipairs(tasks) do links[position] = type(task.sandbox_id) == "string" end
    assert.are.same({ false, true, true, true, true, true, true, true }, links)
  end)

  it("is formatted as the service does", function()
    local pieces = pieces_of()
    assert.are.same({ "[\n", "{", ",\n{", "]" },
      { pieces[1], pieces[2]:sub(1, 1), pieces[3]:sub(1, 3), pieces[10] })
    assert.are.equal(10, #pieces)
    for position = 2, 9 do assert.is_truthy(pieces[position]:find("}$")) end
    assert.are.equal(8, #json.decode(table.concat(pieces)))
  end)

  it("misses no state at any pace", function()
    model = here.make { pace = 0 }
    assert.are.same(states, states_of((start(nil, nil, path))))
  end)

  it("ends with the error of a failed start", function()
    local tasks = start("[simulate: start-error]", nil, path)
    assert.are.equal("ERROR", tasks[#tasks].status)
    assert.is_truthy(tasks[#tasks].detail:find("Sandbox failed to start", 1, true))
  end)

  it("is validated and limited like any start", function()
    assert.are.equal(422, select(2, call("POST", path, { title = 7 })).status)
    model:throttle("concurrency")
    assert.are.equal(429, select(2, start(nil, nil, path)).status)
    model:throttle("burst", 1, { starts = true })
    assert.are.equal(429, select(2, start(nil, nil, path)).status)
    assert.are.equal(0, #model.starts)
  end)

  it("joins an earlier start with the same id, at any time", function()
    start(nil, { conversation_id = own_id })
    model:advance(9)
    local tasks = start(nil, { conversation_id = own_id }, path)
    assert.are.same({ states[8], 1, true }, { tasks[#tasks].status, model:jobs(), model.starts[2].repeated })
    assert.are.same({ "WORKING", "READY" }, { tasks[1].status, start(nil, { conversation_id = own_id }).status })
  end)

  describe("through the transport", function()
    local transport

    before_each(function() transport = simulator.transport(model) end)

    local function request(body)
      return transport:request { method = "POST", path = path, headers = { authorization = "Bearer k" },
        body = json.encode(body or {}) }
    end

    it("is a whole array", function()
      assert.are.same(states, states_of(json.decode(request().body)))
    end)

    it("is a timeout if it does not continue", function()
      local prompt = { content = { { type = "text", text = "[simulate: never-ready]" } } }
      local answer = request { initial_message = prompt }
      assert.are.same({ "timeout", true }, { answer.class, answer.sent })
    end)

    it("can be cut between elements and within them", function()
      transport.faults = {
        { point = "in_body", pieces = 3 }, { point = "in_body", pieces = 1, at = 5, class = "timeout" },
        { point = "in_body" }, { point = "after_commit", class = "cut" },
      }
      local answer = request()
      assert.are.same({ "cut", true, 2 }, { answer.class, answer.sent, select(2, answer.body:gsub('"request"', "")) })
      assert.is_truthy(answer.body:find("}$"))
      answer = request()
      assert.are.same({ "timeout", "[\n" }, { answer.class, answer.body:sub(1, 2) })
      assert.are.equal(7, #answer.body)
      assert.are.equal("", request().body)
      assert.is_nil(request().body)
      assert.are.equal(4, model:jobs())
    end)

    it("applies the same cuts to unstreamed responses", function()
      transport.faults = { { point = "in_body", at = 4 } }
      local answer = transport:request { method = "GET", path = "/saas", headers = {} }
      assert.are.same({ "cut", 200, '{"sa' }, { answer.class, answer.status, answer.body })
    end)
  end)
end)

describe("a streamed start over a socket", function()
  local server

  setup(function() server = simulator.spawn { pace = 0.005 } end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  local function send(settings, body, headers)
    return raw_client.exchange(server.address, raw_client.request("POST", path, body or "{}", headers), settings)
  end

  -- Returns the chunks of a body, and whether the last one is there.
  local function chunks(body)
    local list, position = {}, 1
    while true do
      local digits, start = body:match("^(%x+)\r\n()", position)
      if not digits then return list, false end
      local size = tonumber(digits, 16)
      if size == 0 then return list, true end
      list[#list + 1] = body:sub(start, start + size - 1)
      position = start + size + 2
    end
  end

  it("is one chunk per state, and leaves the connection reusable", function()
    local connection = raw_client.connect(server.address)
    connection.send(raw_client.request("POST", path, "{}") .. raw_client.ask)
    local bytes = connection.read(raw_client.end_of_account .. "$")
    connection.close()
    local head, body, rest = bytes:match("^(.-\r\n\r\n)(.-\r\n0\r\n\r\n)(.*)$")
    assert.is_truthy(head:find("^HTTP/1.1 200 OK\r\nContent%-Type: application/json\r\n"))
    assert.is_truthy(head:find("\r\nTransfer-Encoding: chunked\r\n", 1, true))
    assert.is_nil(head:find("Content-Length", 1, true))
    assert.is_truthy(rest:find("^HTTP/1.1 200 OK\r\n"))
    local list, complete = chunks(body)
    assert.are.same({ 10, true, "[\n", "]" }, { #list, complete, list[1], list[10] })
    assert.are.same(states, states_of(json.decode(table.concat(list))))
  end)

  it("continues when time is advanced, and not before", function()
    server:options { pace = 1000 }
    local connection = raw_client.connect(server.address)
    connection.send(raw_client.request("POST", path, "{}"))
    assert.is_nil(connection.read('"WORKING".-}\r\n'):find("WAITING_FOR_SANDBOX", 1, true))
    server:advance(1001)
    assert.is_nil(connection.read('"WAITING_FOR_SANDBOX".-}\r\n'):find("PREPARING_REPOSITORY", 1, true))
    server:advance(20000)
    assert.is_truthy(connection.read("0\r\n\r\n$"):find('"READY"', 1, true))
    connection.close()
    server:options { pace = 0.005 }
  end)

  it("is committed although the client does not wait for its end", function()
    server:options { pace = 1000 }
    send { enough = '"WORKING"' }
    for _ = 1, 10000 do
      if server:connections().open == 0 then break end
    end
    assert.are.same({ 1, 0 }, { #server:starts(), server:connections().open })
    server:options { pace = 0.005 }
  end)

  for action, ending in pairs { close = "closed", reset = "ECONNRESET", hang = "open" } do
    it("can be cut between two elements by " .. action, function()
      server:faults { { point = "in_body", action = action, pieces = 3 } }
      local result = send(action == "hang" and { enough = "WAITING", quiet = 0.15 } or nil)
      assert.are.equal(ending, result.ending)
      local list, complete = chunks(select(2, raw_client.parts(result.bytes)))
      assert.are.same({ 3, false }, { #list, complete })
      assert.are.equal("WAITING_FOR_SANDBOX", json.decode(table.concat(list) .. "]")[2].status)
      assert.are.equal(1, #server:starts())
    end)
  end

  it("can be cut within an element, and after bytes", function()
    server:faults { { point = "in_body", action = "close", pieces = 2, at = 20 },
      { point = "in_body", action = "close", at = 9 }, { point = "in_body", action = "close" } }
    local list, complete = chunks(select(2, raw_client.parts(send().bytes)))
    assert.are.same({ 3, 20, false, ",\n{" }, { #list, #list[3], complete, list[3]:sub(1, 3) })
    list = chunks(select(2, raw_client.parts(send().bytes)))
    assert.are.same({ "[\n", 7 }, { list[1], #list[2] })
    list = chunks(select(2, raw_client.parts(send().bytes)))
    assert.is_nil(json.decode(table.concat(list)))
  end)

  it("can be cut before its first byte, before and after the commit", function()
    for point, starts in pairs { after_read = 0, after_commit = 1 } do
      server:reset()
      server:faults { { point = point, action = "close" } }
      local result = send()
      assert.are.same({ "", "closed", starts }, { result.bytes, result.ending, #server:starts() })
    end
  end)

  it("can lack its end, or its length", function()
    server:faults { { point = "after_commit", action = "truncate_chunked" },
      { point = "after_commit", action = "truncate_chunked", pieces = 2 },
      { point = "after_commit", action = "no_length" } }
    local list, complete = chunks(select(2, raw_client.parts(send().bytes)))
    assert.are.same({ 10, false }, { #list, complete })
    assert.are.equal(2, #chunks(select(2, raw_client.parts(send().bytes))))
    local result = send()
    assert.are.same(states, states_of(json.decode((select(2, raw_client.parts(result.bytes))))))
    assert.are.equal("closed", result.ending)
  end)

  it("is refused with one response", function()
    assert.is_truthy(send({ enough = "detail.*}$" }, '{"title":7}').bytes:find("^HTTP/1.1 422 "))
    local asked = raw_client.request("GET", "/api/v1/app-conversations/" .. nobody .. "/download")
    assert.is_truthy(raw_client.exchange(server.address, asked, { enough = "not found" }).bytes:find("^HTTP/1.1 404 "))
  end)
end)
