local json = require "openhands.simulator.encoding.json"
local raw_client = require "spec.support.raw_client"
local service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"
local zip = require "openhands.simulator.encoding.zip"

local null = json.null
local own_id, own_hex, nobody, header = service.own_id, service.own_hex, service.nobody, service.header

local function number_at(bytes, position, size)
  local number = 0
  for index = size, 1, -1 do number = number * 256 + bytes:byte(position + index - 1) end
  return number
end

-- Returns the members of an archive by name, read through its directory. Checks their checksums.
local function members(bytes)
  local list, stop = {}, #bytes - 21
  assert.are.equal("PK\5\6", bytes:sub(stop, stop + 3))
  local position = number_at(bytes, stop + 16, 4) + 1
  assert.are.equal(stop, position + number_at(bytes, stop + 12, 4))
  for _ = 1, number_at(bytes, stop + 10, 2) do
    assert.are.equal("PK\1\2", bytes:sub(position, position + 3))
    local size, length = number_at(bytes, position + 24, 4), number_at(bytes, position + 28, 2)
    local name = bytes:sub(position + 46, position + 45 + length)
    local start = number_at(bytes, position + 42, 4) + 1
    assert.are.equal("PK\3\4", bytes:sub(start, start + 3))
    assert.are.equal(bytes:sub(position + 6, position + 29), bytes:sub(start + 4, start + 27))
    assert.are.equal(name, bytes:sub(start + 30, start + 29 + length))
    local content = bytes:sub(start + 30 + length, start + 29 + length + size)
    assert.are.equal(bytes:sub(position + 16, position + 19), zip.checksum(content))
    list[#list + 1] = { name = name, content = content }
    position = position + 46 + length
  end
  return list
end

describe("the simulator's V1 workspace", function()
  local here, model = service.new(), nil
  local call, get, start, conversation = here.call, here.get, here.start, here.conversation
  local path = "/api/v1/app-conversations/" .. own_id

  local function make(options)
    model = here.make(options)
    start(nil, { conversation_id = own_id, selected_repository = "acme/widgets" })
    model:advance(70)
  end

  local function refused(target)
    local value, response = get(path .. target)
    return { response.status, value }
  end

  local function pause() call("POST", "/api/v1/sandboxes/" .. conversation().sandbox_id .. "/pause") end

  local function delete()
    local id = conversation().sandbox_id
    call("DELETE", "/api/v1/sandboxes/" .. id .. "?sandbox_id=" .. id)
  end

  before_each(function() make() end)

  it("is the same in every operation", function()
    local root = "?path=/workspace/project"
    assert.are.same({ ".openhands/hooks/check.sh", "PLAN.md", "README.md", "src/widget.lua" },
      get(path .. "/files" .. root))
    assert.are.same({ "widget.lua" }, get(path .. "/files?path=src"))
    assert.are.same({ { status = "ADDED", path = "PLAN.md" }, { status = "UPDATED", path = "README.md" } },
      get(path .. "/git/changes" .. root))
    assert.are.same({}, get(path .. "/git/changes?path=/workspace/project/src&ref=main"))
    local readme = get(path .. "/file?file_path=/workspace/project/README.md")
    assert.are.equal("# Widgets\nA library for widgets.\n", readme)
    assert.are.same({ original = "# Widgets\nA libary for widgets.\n", modified = readme },
      get(path .. "/git/diff?path=/workspace/project/README.md"))
    assert.are.same({ original = null, modified = get(path .. "/file") },
      get(path .. "/git/diff?path=/workspace/project/PLAN.md"))
    assert.are.same({ original = null, modified = null }, get(path .. "/git/diff?path=nothing"))
    assert.are.equal("# Plan\n\n1. read\n2. fix\n", get(path .. "/file"))
  end)

  it("has the files that the agent is told to leave", function()
    make { agent_files = { ["result.json"] = "{}", ["README.md"] = "Another one." } }
    assert.are.equal("{}", get(path .. "/file?file_path=/workspace/project/result.json"))
    assert.are.equal("Another one.", get(path .. "/file?file_path=/workspace/project/README.md"))
    assert.are.equal("# Plan\n\n1. read\n2. fix\n", get(path .. "/file"))
  end)

  it("is not where relative paths start", function()
    assert.are.equal("", get(path .. "/file?file_path=README.md"))
    assert.are.same({}, get(path .. "/git/changes?path=."))
  end)

  it("does not say why a file cannot be read", function()
    assert.are.same({ 200, "" }, refused "/file?file_path=/nowhere")
    pause()
    assert.are.same({ 200, "" }, refused "/file")
    assert.are.equal("", (get("/api/v1/app-conversations/" .. nobody .. "/file")))
  end)

  it("requires its parameters and a valid id", function()
    assert.are.same({ "query", "path" }, refused("/git/changes")[2].detail[1].loc)
    assert.are.equal(422, refused("/git/diff")[1])
    local value, response = get("/api/v1/app-conversations/zzz/file")
    assert.are.same({ 422, { "path", "conversation_id" } }, { response.status, value.detail[1].loc })
  end)

  it("cannot be read while the sandbox is paused, or once it is gone", function()
    pause()
    local paused = { 409, { detail = "Sandbox is paused; resume it before reading git state." } }
    for _, target in ipairs { "/files", "/git/changes?path=.", "/git/diff?path=x" } do
      assert.are.same(paused, refused(target))
    end
    assert.are.same({ 200, { skills = {} } }, refused "/skills")
    assert.are.same({ 200, { hooks = {} } }, refused "/hooks")
    delete()
    assert.are.same({ 404, { detail = "Conversation " .. own_id .. " is not reachable" } },
      refused "/git/changes?path=.")
    assert.are.equal(404, refused("/skills")[1])
    assert.is_string(refused("/hooks")[2].error)
  end)

  it("has skills and hooks while the sandbox is up", function()
    local skills = get(path .. "/skills").skills
    assert.are.same({ "repo", {}, { "docker", "container" } },
      { skills[1].type, skills[1].triggers, skills[2].triggers })
    local hook = get(path .. "/hooks").hooks[1]
    assert.are.same({ "stop", "command" }, { hook.event_type, hook.matchers[1].hooks[1].type })
  end)

  describe("as an archive", function()
    it("contains one event per member", function()
      local bytes, response = get(path .. "/download")
      assert.are.same({ 200, "application/zip", 'attachment; filename="conversation_' .. own_hex .. '.zip"' },
        { response.status, header(response, "content-type"), header(response, "content-disposition") })
      local list = members(bytes)
      local events = get("/api/v1/conversation/" .. own_id .. "/events/search").items
      assert.are.equal(#events + 1, #list)
      assert.are.equal("meta.json", list[1].name)
      assert.are.equal(own_hex, json.decode(list[1].content).id)
      for position, event in ipairs(events) do
        local member = list[position + 1]
        assert.are.equal(("event_%06d_%s.json"):format(position - 1, event.id), member.name)
        assert.are.same(event, json.decode(member.content))
      end
    end)

    it("is available after the sandbox is gone, but not by the id of a start task", function()
      delete()
      assert.are.equal(200, select(2, get(path .. "/download")).status)
      local task = start()
      local value, response = get("/api/v1/app-conversations/" .. task.id .. "/download")
      assert.are.same({ 404, { detail = "Conversation not found: " .. task.id } }, { response.status, value })
    end)

    it("is refused during another download, and if it would be too large", function()
      model:configure { download_busy = true }
      assert.are.equal(409, refused("/download")[1])
      make { event_count = 9989 }
      assert.are.equal(200, select(2, get(path .. "/download")).status)
      model:add_events(own_id, 1)
      assert.are.equal(413, refused("/download")[1])
    end)

    for _, size in ipairs { 0, 3, 200, 70000, 200000 } do
      it(("can have %d bytes"):format(size), function()
        make { download_bytes = size }
        local bytes = get(path .. "/download")
        assert.are.equal(size, #bytes)
        assert.are.equal(("PK\3\4"):sub(1, size), bytes:sub(1, 4))
        if size > 300 then assert.are.equal("meta.json", members(bytes)[1].name) end
      end)
    end
  end)

  it("has a standard CRC-32", function()
    assert.are.equal("\38\57\244\203", zip.checksum("123456789"))
    assert.are.equal("\0\0\0\0", zip.checksum(""))
  end)
end)

describe("a download from the simulator", function()
  local server
  local target = "/api/v1/app-conversations/" .. own_id .. "/download"

  setup(function() server = simulator.spawn { pace = 0 } end)
  teardown(function() server:close() end)

  local function prepare(options)
    server:reset()
    server:options { download_bytes = false, download_length = false }
    server:options(options)
    raw_client.exchange(server.address, raw_client.request("POST", "/api/v1/app-conversations",
      ('{"conversation_id":"%s"}'):format(own_id)), { enough = "READY" })
  end

  local function download(settings)
    local asked = raw_client.request("GET", target, nil, "Connection: close\r\n")
    return raw_client.exchange(server.address, asked, settings)
  end

  local function unchunked(body)
    local pieces, position = {}, 1
    while true do
      local digits, start = body:match("^(%x+)\r\n()", position)
      if not digits then return table.concat(pieces), false end
      local size = tonumber(digits, 16)
      if size == 0 then return table.concat(pieces), body:sub(start) == "\r\n" end
      pieces[#pieces + 1] = body:sub(start, start + size - 1)
      position = start + size + 2
    end
  end

  it("is chunked, or announces its length", function()
    prepare { download_bytes = 200000 }
    local result = download()
    local head, body = raw_client.parts(result.bytes)
    assert.is_truthy(head:find("\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n", 1, true))
    assert.is_nil(head:find("Content-Length", 1, true))
    local bytes, complete = unchunked(body)
    assert.are.same({ "closed", 200000, true }, { result.ending, #bytes, complete })
    assert.are.equal("meta.json", members(bytes)[1].name)

    prepare { download_bytes = 200000, download_length = true }
    head, body = raw_client.parts(download().bytes)
    assert.is_truthy(head:find("\r\nContent-Length: 200000\r\n", 1, true))
    assert.are.same({ 200000, "meta.json" }, { #body, members(body)[1].name })
  end)

  it("announces the true length if configured", function()
    prepare { download_length = true }
    local head, body = raw_client.parts(download().bytes)
    assert.are.equal(#body, tonumber(head:match("\r\nContent%-Length: (%d+)\r\n")))
    assert.is_true(#members(body) > 1)
  end)

  it("has the configured size without being held in memory", function()
    prepare { download_bytes = 64 * 1024 * 1024, download_length = true }
    local result = download { count_only = true }
    assert.are.equal("closed", result.ending)
    assert.is_true(result.size > 64 * 1024 * 1024 and result.size < 64 * 1024 * 1024 + 1000)
    local file = io.open(("/proc/%d/status"):format(server.pid))
    if file then
      local peak = tonumber(file:read("*a"):match("VmHWM:%s+(%d+) kB"))
      file:close()
      assert.is_true(peak < 48 * 1024, peak)
    end
  end)

  it("leaves the connection reusable", function()
    prepare { download_bytes = 100000 }
    local connection = raw_client.connect(server.address)
    connection.send(raw_client.request("GET", target) .. raw_client.ask)
    local answers = connection.read(raw_client.end_of_account .. "$")
    assert.is_truthy(answers:find("\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 1, true))
    connection.close()
  end)

  for _, length in ipairs { true, false } do
    for action, ending in pairs { close = "closed", reset = "ECONNRESET", hang = "open" } do
      local form = length and "of a known length" or "in chunks"
      it(("can be cut in the middle by %s, %s"):format(action, form), function()
        prepare { download_bytes = 300000, download_length = length }
        server:faults { { point = "in_body", action = action, at = 150000 } }
        local result = download(action == "hang" and { enough = "PK", least = 150000, quiet = 0.15 } or nil)
        local head, body = raw_client.parts(result.bytes)
        assert.are.equal(length, head:find("\r\nContent-Length: 300000\r\n", 1, true) ~= nil)
        if action ~= "reset" then
          local bytes, complete = body, false
          if not length then bytes, complete = unchunked(body) end
          assert.are.same({ 150000, false }, { #bytes, complete })
        end
        assert.are.equal(ending, result.ending)
      end)
    end
  end

  it("can announce a wrong length, or none", function()
    prepare { download_bytes = 1000, download_length = true }
    server:faults { { point = "after_commit", action = "wrong_length", delta = 10 },
      { point = "after_commit", action = "no_length", bytes = 500 },
      { point = "after_commit", action = "truncate_chunked" },
      { point = "in_headers", action = "close", at = 20 } }
    local head, body = raw_client.parts(download().bytes)
    assert.are.same({ "1010", 1000 }, { head:match("\r\nContent%-Length: (%d+)\r\n"), #body })
    head, body = raw_client.parts(download().bytes)
    assert.are.same({ 500 }, { #body, head:find("Content-Length", 1, true) })
    head, body = raw_client.parts(download().bytes)
    assert.is_truthy(head:find("Transfer-Encoding: chunked", 1, true))
    local bytes, complete = unchunked(body)
    assert.are.same({ 1000, false }, { #bytes, complete })
    assert.are.equal("HTTP/1.1 200 OK\r\nCon", download().bytes)
  end)

  it("can be slow and delayed", function()
    prepare { download_bytes = 1000, download_length = true }
    server:faults { { point = "after_commit", action = "drip", bytes = 100, seconds = 0 },
      { point = "after_commit", action = "split", at = 700 }, { point = "after_commit", action = "delay", seconds = 0 },
      { point = "after_commit", action = "continue", times = 2 } }
    local right
    for index = 1, 4 do
      local bytes = raw_client.of_no_moment(download().bytes)
      if index == 4 then bytes = bytes:gsub("^" .. ("HTTP/1.1 100 Continue\r\n\r\n"):rep(2), "") end
      right = right or bytes
      assert.is_truthy(bytes:find("^HTTP/1.1 200 OK\r\n"))
      assert.are.equal(1000, #select(2, raw_client.parts(bytes)))
      assert.are.equal(right, bytes)
    end
  end)

  it("of an unknown conversation is refused with a JSON body", function()
    server:reset()
    assert.is_truthy(download().bytes:find('"detail":"Conversation not found', 1, true))
  end)
end)
