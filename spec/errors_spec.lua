local request_errors = require "openhands.request.errors"

local function from(raw)
  local all = { kind = "server", operation = "status", api = "v1", retryable = false, effect = "unknown" }
  for name, value in pairs(raw) do
    all[name] = value
  end
  return request_errors.from_core(all, "https://service.example")
end

describe("an error", function()
  it("says what happened, to what, and what to do", function()
    assert.equal(
      "status: https://service.example answered with HTTP status 500: it broke; try again later",
      tostring(from { status = 500, detail = { detail = "it broke" } })
    )
    assert.equal(
      "status: https://service.example could not be asked: Connection refused; check the network and base_url",
      tostring(from { kind = "connect", reason = "Connection refused", effect = "none" })
    )
    local page = from { kind = "protocol", status = 200, page = true, detail = "<!doctype html> OpenHands" }
    assert.matches("answered with a web page %(HTTP status 200%); it begins: <!doctype html>", tostring(page))
    assert.matches("redirected to evil.example, which is not followed",
      tostring(from { kind = "protocol", status = 307, redirect_host = "evil.example" }))
  end)

  it("finds the words of the service wherever they stand", function()
    for _, detail in ipairs {
      "it broke",
      { detail = "it broke" },
      { error = "it broke" },
      { message = "it broke" },
      { detail = { message = "it broke" } },
      { detail = { error = "it broke" } },
      { status = "error", message = "it broke", msg_id = "X" },
    } do
      assert.matches(": it broke", tostring(from { status = 500, detail = detail }))
    end
    local list = { detail = { { loc = { "query", "ids", 0 }, msg = "no UUID", input = "x" } } }
    assert.matches(": query.ids.0: no UUID", tostring(from { kind = "invalid", status = 422, detail = list }))
  end)

  it("survives details of every type", function()
    for _, odd in ipairs { 0, "", {}, { {} }, true, { { loc = 7, msg = {} } } } do
      for _, name in ipairs { "detail", "error", "message" } do
        assert.equal("string", type(tostring(from { status = 500, detail = { [name] = odd } })))
        assert.equal("string", type(tostring(from { status = 429, kind = "throttled", detail = { [name] = odd } })))
      end
      assert.equal("string", type(tostring(from { status = 500, detail = odd })))
    end
  end)

  it("tells the five 429s apart", function()
    local function kind(detail)
      local err = from { status = 429, kind = "throttled", retryable = true, detail = detail }
      return err.kind, err.retryable, err
    end
    assert.same({ "throttled", true }, { (kind { error = "Rate limit exceeded: 10 per 1 second" }), true })
    assert.equal("throttled", (kind { message = "Too many requests" }))
    local named, retryable, err =
      kind { detail = { error = "CONCURRENCY_LIMIT_REACHED", message = "x", limit = 3, current = 2 } }
    assert.same({ "limit", false, 3, 2 }, { named, retryable, err.limit, err.current })
    named, retryable, err = kind { error = "CONCURRENCY_LIMIT_REACHED", message = "x", limit = 3, current = 2 }
    assert.same({ "limit", false, 3, 2 }, { named, retryable, err.limit, err.current })
    named, retryable, err = kind {
      detail = { code = "daily_conversation_limit_reached", message = "x", reset_at = "2026-08-21T00:00:00Z" },
    }
    assert.same({ "quota", false, "2026-08-21T00:00:00Z" }, { named, retryable, err.reset_at })
    assert.equal("limit", (kind { detail = "Too many pending messages. Maximum 10 messages per conversation." }))
  end)

  it("knows that a bare string with 401 is about the repository", function()
    assert.equal("permission",
      from({ kind = "authentication", status = 401, operation = "start", detail = "Unable to access repo" }).kind)
    assert.equal("authentication", from({ kind = "authentication", status = 401, detail = { error = "x" } }).kind)
  end)

  it("holds no secret of an answer", function()
    local err = from {
      status = 422,
      detail = {
        session_api_key = "SECRET",
        vscode = "https://x.example/?tkn=SECRET&folder=y",
        text = "Authorization: Bearer SECRET, and so on",
        cut = '{"session_api_key": "SECRET", "x":',
        python = "sandbox(session_api_key='SECRET')",
        quoted = '{\\"session_api_key\\":\\"SECRET\\"}',
        header = "X-Session-API-Key: SECRET",
        query = "?session_api_key=SECRET&tkn%3DSECRET",
        remote = "https://oauth2:SECRET@github.com/o/r",
        ["X-Session-API-Key"] = "SECRET",
        token = "SECRET",
        nested = { { secrets = { A = "SECRET" } } },
        detail = { { loc = { "body" }, msg = "refused", input = { secrets = { A = "SECRET" }, prompt = "SECRET" } } },
        list = { { loc = { "body", "secrets", "A" }, msg = "refused", input = "SECRET" } },
      },
    }
    local function search(value)
      if type(value) == "table" then
        for name, item in pairs(value) do
          search(name)
          search(item)
        end
      else
        assert.is_nil(tostring(value):find("SECRET", 1, true))
      end
    end
    search(err)
    search(tostring(err))
    assert.equal("https://x.example/?tkn=[redacted]&folder=y", err.detail.vscode)
  end)

  it("cuts a detail that nests without end", function()
    local deep = {}
    deep.deep = deep
    assert.equal("string", type(tostring(from { status = 500, detail = deep })))
  end)

  it("is raised with the line of the caller's code", function()
    local client = require("openhands").new { api_key = "x", base_url = "https://service.example" }
    local good, message = pcall(function()
      client:status("../x") -- this line
    end)
    assert.is_false(good)
    assert.matches("errors_spec.lua:%d+: openhands.status: not an id", message)
    client:close()
  end)
end)
