-- Every row on a real connection: its headers, and what becomes of good, wrong and failing answers.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local files = require "spec.support.files"
local raw_server = require "spec.support.raw_server"
local rows = require "spec.support.row_calls"

local remove_directory

setup(function() rows.directory, remove_directory = files.directory() end)
teardown(function() remove_directory() end)

describe("on the wire", function()
  local service, runtime

  setup(function()
    local function answer() return raw_server.answer "{}" end
    service, runtime = raw_server.new(answer), raw_server.new(answer)
  end)
  teardown(function()
    service:close()
    runtime:close()
  end)

  -- The one request that the call makes, and of which server.
  local function sent(client, row, server)
    local before, before_runtime = #service.requests, #runtime.requests
    local number, err = core[row.name](client, rows.fields_of(row), rows.options_of(row, server))
    raw_server.await(client, assert(number, err and err.reason))
    assert.equal(1, #service.requests - before + #runtime.requests - before_runtime)
    return service.requests[before + 1] or runtime.requests[before_runtime + 1], #runtime.requests > before_runtime
  end

  local function assert_headers(row, request, at_runtime)
    local with_body = row.method ~= "GET" and row.method ~= "DELETE"
    local headers = request.headers
    for name, value in pairs(headers) do
      assert.is_nil(value:find("|", 1, true), name .. " is sent twice")
    end
    local own = not at_runtime and row.host ~= "public"
    assert.equal(own and "Bearer " .. canary.key or nil, headers.authorization)
    assert.equal(own and "an-organization" or nil, headers["x-org-id"])
    local session = at_runtime or rows.uses(row, "header")
    assert.equal(session and rows.SESSION or nil, headers["x-session-api-key"])
    assert.equal("a-spec", headers["user-agent"])
    local anything = row.shape == "any" or row.shape == "bytes" or row.shape == "file"
    assert.equal(anything and "*/*" or "application/json", headers.accept)
    assert.is_nil(headers.expect)
    assert.equal(with_body and tostring(#request.body) or nil, headers["content-length"])
    assert.is_nil(headers["transfer-encoding"])
    if #request.body == 0 then assert.is_nil(headers["content-type"]) else assert.is_string(headers["content-type"]) end
    local here = at_runtime and runtime or service
    assert.equal("127.0.0.1:" .. here.port, headers.host)
    assert.equal(row.method, request.method)
  end

  it("every row has each header once, and credentials of its host only", function()
    local client = core.new {
      base_url = service.address, api_key = canary.key, organization = "an-organization", user_agent = "a-spec",
    }
    for _, row in ipairs(core.operations()) do
      for _, server in ipairs { runtime.address, false } do
        if server and row.host == "runtime" then
          local request, at_runtime = sent(client, row, server)
          assert.is_true(at_runtime)
          assert_headers(row, request, true)
        elseif not server and row.api ~= "agent" then
          local request, at_runtime = sent(client, row)
          assert.is_false(at_runtime)
          assert_headers(row, request, false)
        end
      end
    end
    client:close()
  end)
end)

describe("an answer", function()
  local kinds = {
    object = "{}", ["an object with items"] = '{"items":[{"a":null}],"next_page_id":null}', list = "[]",
    ["a list of objects"] = '[{"a":1},{}]', ["a list with null"] = "[null]", null = "null", ["true"] = "true",
    integer = "17", ["a whole float"] = "17.0", fraction = "1.5", huge = "1e300", text = '"x"', texts = '["x"]',
    ["a list of numbers"] = "[1]", ["a list of lists"] = "[[1]]", ["a list of booleans"] = "[true]",
    ["nothing"] = "", ["cut JSON"] = "{", ["no JSON"] = "nul", ["two values"] = "{} {}", ["bad UTF-8"] = '"\255"',
    ["too deep"] = ("["):rep(2000) .. ("]"):rep(2000),
  }
  local objects, lists = "object, an object with items", "list, a list of objects, a list with null"
  local everything = objects .. ", " .. lists .. ", null, true, integer, a whole float, fraction, huge, text, texts, "
    .. "a list of numbers, a list of lists, a list of booleans"
  local raw = everything .. ", nothing, cut JSON, no JSON, two values, bad UTF-8, too deep"
  local good = {
    object = objects, ["object_or_null"] = objects .. ", null", page = objects, list = lists, stream = lists,
    texts = "list, texts", integer = "integer, a whole float", text = "text", any = everything,
    bytes = raw, file = raw, ["object_or_nothing"] = objects .. ", null, nothing",
    ["boolean_or_nothing"] = "true, null, nothing",
  }

  local function result(row, answer)
    local client = rows.new()
    local number = assert(core[row.name](client, rows.fields_of(row), rows.options_of(row)))
    client:outgoing()
    assert(client:answer(number, answer))
    local finished, value, err = client:next()
    client:close()
    assert.equal(number, finished)
    return value, err
  end

  local function is_good(row, name)
    if row.shape == "any" and name == "nothing" then return row.effect ~= "reads" end
    return (", " .. good[row.shape] .. ","):find(", " .. name .. ",", 1, true) ~= nil
  end

  it("is a value where it has the shape of the row, else an error", function()
    for _, row in ipairs(core.operations()) do
      for name, body in pairs(kinds) do
        local value, err = result(row, { status = 200, body = body, content_type = "application/json" })
        local label = ("%s: %s"):format(rows.title(row), name)
        if is_good(row, name) then
          assert(value ~= nil, label)
        else
          assert(value == nil, label)
          assert.equal(name == "too deep" and "too_large" or "protocol", err.kind, label)
          assert.is_false(err.retryable)
          assert.equal(row.name, err.operation)
        end
      end
    end
  end)

  it("is an error where it is a page", function()
    for _, row in ipairs(core.operations()) do
      local value, err = result(row, { status = 200, body = "<html>", content_type = "text/html; charset=utf-8" })
      assert.is_nil(value, rows.title(row))
      assert.equal("protocol", err.kind)
      assert.is_nil(io.open(rows.directory .. "/page"))
    end
  end)

  it("is as it is where it is bytes", function()
    local of_shape = {}
    for _, row in ipairs(core.operations()) do of_shape[row.shape] = row end
    local bytes = "<a>\0\255"
    assert.equal(bytes, (result(of_shape.bytes, { status = 200, body = bytes, content_type = "text/plain" })))
    assert.equal(bytes, (result(of_shape.any, { status = 200, body = bytes, content_type = "text/plain" })))
    assert.equal("", (result(of_shape.any, { status = 204 })))
    assert.equal("{}\n", (result(of_shape.any, { status = 200, body = "{}\n", content_type = "application/jsonl" })))
    local other_json = { status = 200, body = '{"a":1}', content_type = "application/x+json" }
    assert.same({ a = 1 }, (result(of_shape.any, other_json)))
    assert.equal(17, (result(of_shape.integer, { status = 200, body = " 17 ", content_type = "application/json" })))
    assert.equal("17", tostring((result(of_shape.integer, { status = 200, body = "17.0" }))))
    assert.is_false((result(of_shape["boolean_or_nothing"], { status = 200, body = "false" })))
    assert.equal("ü\n", (result(of_shape.text, { status = 200, body = [["\u00fc\n"]] })))
    local file = result(of_shape.file, { status = 200, body = bytes, content_type = "application/zip" })
    assert.same({ path = rows.directory .. "/file", bytes = #bytes }, file)
    assert.equal(bytes, files.read(file.path))
  end)

  it("that is an error never shows a key", function()
    local session = rows.SESSION
    local body = ('{"detail":[{"input":"%s and %s"}],"%s":"%s"}'):format(canary.key, session, session, canary.key)
    for _, row in ipairs(core.operations()) do
      for _, status in ipairs { 200, 302, 400, 401, 404, 422, 429, 500 } do
        local value, err = result(row, { status = status, body = body .. "x", reason = canary.key .. rows.SESSION })
        if err then
          assert.is_nil(value)
          canary.assert_no_secret(err)
          if rows.options_of(row).session_api_key then canary.assert_no_secret(err, rows.SESSION) end
        end
      end
      for _, transport in ipairs { "connect", "timeout", "tls", "cut", "else" } do
        local _, err = result(row, { transport = transport, reason = "with " .. canary.key .. " and " .. rows.SESSION })
        canary.assert_no_secret(err)
        if rows.options_of(row).session_api_key then canary.assert_no_secret(err, rows.SESSION) end
      end
    end
  end)
end)
