local settings = require "openhands.settings"

describe("settings", function()
  local getenv = os.getenv
  local environment

  before_each(function()
    environment = {}
    os.getenv = function(name) -- luacheck: ignore 122
      return environment[name]
    end
  end)

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  it("come from the call, else the client, else the environment, else a default", function()
    local function base_url(given)
      return (settings.of_client { base_url = given }).base_url
    end
    assert.equal("https://app.all-hands.dev", base_url())
    environment.OPENHANDS_BASE_URL = "https://environment.example"
    assert.equal("https://environment.example", base_url())
    assert.equal("https://given.example", base_url "https://given.example")
    local client = settings.of_client { retries = 5, grace = 7 }
    local call = settings.of_call(client, "status", { retries = 1 })
    assert.same({ 1, 7, 10 }, { call.retries, call.grace, call.connect_timeout })
  end)

  it("find the key under both names, and take an empty one for none", function()
    environment.OPENHANDS_CLOUD_API_KEY = "cloud"
    assert.equal("cloud", (settings.of_client()).api_key)
    environment.OPENHANDS_API_KEY = ""
    assert.equal("cloud", (settings.of_client()).api_key)
    environment.OPENHANDS_API_KEY = "first"
    local values, origins = settings.of_client()
    assert.equal("first", values.api_key)
    assert.equal("OPENHANDS_API_KEY", origins.api_key)
  end)

  it("log to stderr when the environment asks for it", function()
    assert.is_nil((settings.of_client()).log)
    environment.OPENHANDS_LOG = "debug"
    assert.equal("function", type((settings.of_client()).log))
  end)

  it("are refused when unknown, of the wrong type or out of range", function()
    local function refused(pattern, given)
      local good, message = pcall(settings.of_client, given)
      assert.is_false(good)
      assert.matches(pattern, message)
    end
    refused("unknown setting 'apikey'", { apikey = "x" })
    refused("unknown setting '1'", { "x" })
    refused("'timeout' must be a number, not a string", { timeout = "5" })
    refused("'timeout' must be at least", { timeout = 0 })
    refused("'deadline' must be at least", { deadline = 0 / 0 })
    refused("'grace' must be at least 0", { grace = -1 })
    refused("'retries' must be a whole number", { retries = math.huge })
    refused("'retries' must be at least 0", { retries = -1 })
    refused("'api' must be \"auto\"", { api = "v2" })
    refused("settings must be a table", "x")
    environment.OPENHANDS_API = "v3"
    refused("OPENHANDS_API: 'api' must be", {})
  end)

  it("of a call are only those that a call may have", function()
    local client = settings.of_client()
    local function refused(pattern, options, own)
      local good, message = pcall(settings.of_call, client, "wait", options, own)
      assert.is_false(good)
      assert.matches(pattern, message)
    end
    refused("'base_url' belongs to a client", { base_url = "https://x.example" })
    refused("unknown option 'timeot'", { timeot = 1 })
    refused("options must be a table", 5)
    refused("'retries' must be a number", { retries = "x" })
    assert.is_nil(rawget(settings.of_call(client, "wait", { interval = 1 }, { interval = true }), "interval"))
  end)
end)
