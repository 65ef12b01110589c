-- A read whose answer was cut off advised to check `base_url` and `api`, as if another service had answered; so did a
-- download whose answer does not tell its end. A proxy that wants a password was told with the advice to check
-- `base_url`.
local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"

describe("the advice of an error", function()
  local server, client

  after_each(function()
    client:close()
    server:close()
  end)

  local function connect(answer)
    server = raw_server.new(answer)
    client = openhands.new { base_url = server.address, api_key = "any", api = "v1", loop = "uv",
      random = function() return 0.001 end }
  end

  local CUT = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":"

  it("after an answer that was cut off is to try again", function()
    connect(CUT:format "200 OK")
    local value, err = client:me()
    assert.is_nil(value)
    assert.same({ "protocol", true }, { err.kind, err.retryable })
    assert.matches("^me: http://[0-9.:]+ gave an answer that ended early %(HTTP status 200%): [^;]+; try again$",
      tostring(err))
    assert.equal(3, #server.requests)
  end)

  it("after a failure that was cut off is the same", function()
    connect(CUT:format "404 Not Found")
    local _, err = client:me()
    assert.matches(" gave an answer that ended early %(HTTP status 404%): [^;]+; try again$", tostring(err))
  end)

  it("after chunks that were cut off is the same", function()
    connect("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n")
    local _, err = client:me()
    assert.matches("; try again$", tostring(err))
    assert.matches("gave an answer that ended early (HTTP status 200): ", tostring(err), 1, true)
  end)

  it("after an answer that does not tell its end is the same", function()
    connect "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\nPK"
    local path = os.tmpname()
    local _, err = client:download("7f3b9a1c2d4e4f60a1b2c3d4e5f60718", path)
    os.remove(path)
    assert.matches("gave no usable answer: it does not mark its end: [^;]+; try again$", tostring(err))
  end)

  it("after a message whose answer was cut off is to check before sending it again", function()
    connect(CUT:format "200 OK")
    local _, err = client:send("7f3b9a1c2d4e4f60a1b2c3d4e5f60718", "x")
    assert.equal("ambiguous", err.kind)
    assert.matches("ended early %(HTTP status 200%): [^;]+; outcome unknown: check before repeating it$",
      tostring(err))
  end)

  it("after a page that was cut off is still to check base_url", function()
    connect "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n<!doctype html>"
    local _, err = client:me()
    assert.matches("answered with a web page %(HTTP status 200%); it begins: [^;]+; check base_url and api",
      tostring(err))
  end)

  it("after the refusal of a proxy is to check the proxy", function()
    connect "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    client:close()
    client = openhands.new { base_url = "https://openhands.invalid", proxy = server.address, api_key = "any",
      api = "v1", loop = "uv" }
    local _, err = client:me()
    assert.matches("; check the proxy (setting `proxy`, or https_proxy and all_proxy in the environment)",
      tostring(err), 1, true)
    assert.is_nil(tostring(err):find("base_url", 1, true))
  end)
end)
