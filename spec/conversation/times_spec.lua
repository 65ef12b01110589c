-- How long a conversation has existed, and how long its work has taken.
local in_process = require "spec.support.in_process"
local timestamps = require "openhands.conversation.timestamp"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local NOW = "Thu, 20 Aug 2026 09:15:02 GMT"

local function status(api, fields, date)
  local client = in_process.scripted(function()
    local id = api == "v0" and "conversation_id" or "id"
    local body = ('{"%s":"%s",%s}'):format(id, ID, fields)
    return in_process.json(api == "v0" and body or "[" .. body .. "]", 200, date and { { "Date", date } } or nil)
  end, { api = api })
  local conversation = assert(client:status(ID))
  return conversation, client
end

describe("a moment of the service", function()
  for text, seconds in pairs {
    ["2026-08-20T09:15:02"] = 1787217302, ["2026-08-20T09:15:02Z"] = 1787217302,
    ["2026-08-20 09:15:02.25"] = 1787217302.25, ["2026-08-20T09:15:02.250000Z"] = 1787217302.25,
    ["2026-08-20T11:15:02+02:00"] = 1787217302, ["2026-08-20T04:15:02.5-0500"] = 1787217302.5,
    ["1970-01-01T00:00:00"] = 0, ["2024-02-29T12:00:00"] = 1709208000, ["2000-03-01T00:00:00"] = 951868800,
  } do
    it(("is read: %s"):format(text), function() assert.equal(seconds, timestamps.seconds(text)) end)
  end

  it("is nil where it cannot be read", function()
    for _, odd in ipairs { "", "now", "2026-08-20", 7, true, {}, "2026-08-20T09:15:02" .. (" "):rep(100) } do
      assert.is_nil(timestamps.seconds(odd))
    end
    assert.is_nil(timestamps.seconds(nil))
  end)
end)

describe("the age of a conversation", function()
  it("is counted by the service's clock", function()
    for api, fields in pairs {
      v0 = '"status":"RUNNING","created_at":"2026-08-20T09:05:02Z"',
      v1 = '"sandbox_status":"RUNNING","execution_status":"running","created_at":"2026-08-20T09:05:02.000000"',
    } do
      local conversation, client = status(api, fields, NOW)
      assert.equal(600, conversation.age)
      assert.equal(600, conversation.elapsed)
      client:sleep(30)
      assert.equal(630, conversation.age)
      assert.equal(630, conversation.elapsed)
    end
  end)

  it("is counted by our clock where the service does not tell the time", function()
    assert.equal(62, (status("v1", '"sandbox_status":"RUNNING","created_at":"2026-08-20T09:14:00"')).age)
  end)

  it("is never negative, and not known without a usable moment", function()
    assert.equal(0, (status("v1", '"sandbox_status":"RUNNING","created_at":"2027-01-01T00:00:00"', NOW)).age)
    for _, odd in ipairs { "null", "7", '"soon"', "{}" } do
      local conversation = status("v1", '"sandbox_status":"RUNNING","created_at":' .. odd)
      assert.is_nil(conversation.age)
      assert.is_nil(conversation.elapsed)
    end
  end)

  it("begins with the start of this client until the service dates it", function()
    local client = in_process.scripted(function()
      return in_process.json(('{"status":"ok","conversation_id":"%s"}'):format(ID))
    end, { api = "v0" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    client:sleep(5)
    assert.same({ 5, 5 }, { conversation.age, conversation.elapsed })
  end)

  it("is no member of the table", function()
    for name in pairs((status("v1", '"sandbox_status":"RUNNING","created_at":"2026-08-20T09:05:02"'))) do
      assert.is_true(name ~= "age" and name ~= "elapsed")
    end
  end)
end)

describe("the work of a conversation that has settled", function()
  it("took the time until the service changed it last", function()
    local v1, client = status("v1", '"sandbox_status":"RUNNING","execution_status":"finished",'
      .. '"created_at":"2026-08-20T09:05:02","updated_at":"2026-08-20T09:07:32.5"', NOW)
    client:sleep(100)
    assert.same({ 150.5, 700 }, { v1.elapsed, v1.age })
    local v0 = status("v0", '"status":"ERROR","created_at":"2026-08-20T09:05:02",'
      .. '"last_updated_at":"2026-08-20T09:06:02"')
    assert.equal(60, v0.elapsed)
  end)

  it("took a time that is not known where the service does not tell", function()
    assert.is_nil((status("v1", '"execution_status":"finished","created_at":"2026-08-20T09:05:02"', NOW)).elapsed)
  end)
end)
