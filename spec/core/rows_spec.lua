-- Every row of the table of operations: what it sends for what it is given, what it refuses, what it makes of answers.

local cjson = require "cjson"
local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"
local canary = require "spec.support.canary"
local files = require "spec.support.files"

local SESSION = "session-canary-7c21"
local UUID, OTHER = "0123abcd-4567-89ef-0123-456789abcdef", "fedcba98765432100123456789abcdef"
local NASTY = "ü &=?#%+\"\\\1 \240\159\153\130"

-- Types as core.operations() words them: a value, its JSON where that is another, and the Lua types that are right.
local text_block = { type = "text", text = "Hi" }
local types = {
  ["a string"] = { NASTY, takes = "string" },
  ["an id (1 to 128 of A-Z a-z 0-9 _ -)"] = { "abc_-1", takes = "string" },
  ["a UUID"] = { UUID, takes = "string" },
  ["a UUID or a list of at most 99"] = { { UUID, OTHER }, takes = "string table", wrong = { "x" } },
  ["a name (1 to 255 bytes, not . or ..)"] = { "ü &=?#%+\"\\..", takes = "string" },
  ["a name or a list of at most 99"] = { { "a/b", "ü &" }, takes = "string table", wrong = { 1 } },
  ["an integer"] = { -7, takes = "number" },
  ["a boolean"] = { false, takes = "boolean" },
  ["a list of strings"] = { { "a", NASTY }, takes = "table", wrong = { 1 } },
  ["a list of integers"] = { { 1, 9007199254740991 }, takes = "table", wrong = { "x" } },
  ["a table from string to string"] = { { NAME = NASTY }, takes = "table", wrong = { NAME = 1 } },
  ["a table with string keys"] = { { a = { 1, { b = false } }, c = NASTY }, takes = "table", wrong = { "x" } },
  ["a list"] = { { { a = 1 }, "x" }, takes = "table", wrong = { a = 1 } },
  ["a string or a message table"] = { "Hi", takes = "string table", wrong = { content = "Hi" } },
  ["a string or a list of content blocks"] = { "Hi", takes = "string table", wrong = { a = "Hi" } },
  ["a table from file name to contents"] = { { ['a"b.txt'] = "A\0\255" }, takes = "table", wrong = { ["a.txt"] = 1 } },
}

-- A field that stands in two places has a value that suits both.
local function value_of(row, field)
  if field.place == "header" then return SESSION end
  for _, other in ipairs(row.fields) do
    if other.name == field.name and other.place == "path" then return types[other.type][1] end
  end
  return types[field.type][1]
end

local blocks = { v0 = "Hi", v1 = { text_block }, agent = { text_block } }
local function as_json(row, field)
  if field.type == "a string or a message table" then
    return row.api == "v0" and "Hi" or { role = "user", content = { text_block } }
  end
  if field.type == "a string or a list of content blocks" then return blocks[row.api] end
  return value_of(row, field)
end

local function encoded(value)
  return (tostring(value):gsub("[^%w%-_.~]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

-- Every field in one spelling, or the required ones only.
local function fields_of(row, only_required)
  local fields, wires = {}, {}
  for _, field in ipairs(row.fields) do
    local key = field.place .. " " .. field.wire
    if not wires[key] and (field.required or not only_required) then
      wires[key] = true
      fields[field.name] = value_of(row, field)
    end
  end
  return fields
end

local directory, remove_directory
local function options_of(row, server)
  local options = { api = row.api, timeout = 20 }
  if row.shape == "file" then options.download = directory .. "/file" end
  if row.host == "runtime" and (row.api == "agent" or server) then
    options.server, options.session_api_key = server or "https://runtime.example/prefix", SESSION
  end
  return options
end

local function new()
  return core.new {
    base_url = "https://service.example", api_key = canary.key, external = true, organization = "an-organization",
  }
end

local function pairs_of(row, fields, place)
  local pieces = {}
  for _, field in ipairs(row.fields) do
    local value = fields[field.name]
    if field.place == place and value ~= nil then
      for _, item in ipairs(type(value) == "table" and value or { value }) do
        pieces[#pieces + 1] = field.wire .. "=" .. encoded(item)
      end
    end
  end
  return table.concat(pieces, "&")
end

local function expected_path(row, fields)
  return (row.path:gsub("{([^}]*)}", function(name)
    for _, field in ipairs(row.fields) do
      if field.place == "path" and field.wire == name then return encoded(fields[field.name]) end
    end
  end))
end

local function uses(row, place)
  for _, field in ipairs(row.fields) do
    if field.place == place then return true end
  end
  return false
end

local function parts_of(row, fields, boundary)
  local pieces = {}
  for _, field in ipairs(row.fields) do
    if field.place == "multipart" then
      local value = fields[field.name]
      local name, contents = field.wire, value
      if type(value) == "table" then
        name, contents = next(value)
      end
      pieces[#pieces + 1] = ('--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'):format(boundary,
        field.wire, (name:gsub('"', "%%22"))) .. "Content-Type: application/octet-stream\r\n\r\n" .. contents .. "\r\n"
    end
  end
  return table.concat(pieces) .. "--" .. boundary .. "--\r\n"
end

local function assert_body(row, fields, request)
  local type_of_body = request.headers["content-type"]
  if uses(row, "body") then
    local expected = {}
    for _, field in ipairs(row.fields) do
      if field.place == "body" and fields[field.name] ~= nil then expected[field.wire] = as_json(row, field) end
    end
    assert.equal("application/json", type_of_body)
    assert.same(expected, cjson.decode(request.body))
  elseif uses(row, "whole") then
    assert.equal("application/json", type_of_body)
    assert.same(fields[row.fields[#row.fields].name], cjson.decode(request.body))
  elseif uses(row, "form") then
    assert.equal("application/x-www-form-urlencoded", type_of_body)
    assert.equal(pairs_of(row, fields, "form"), request.body)
  elseif uses(row, "multipart") then
    local boundary = type_of_body:match "^multipart/form%-data; boundary=(%x+%-%x+%-%x+%-%x+%-%x+)$"
    assert.equal(parts_of(row, fields, boundary), request.body)
  else
    assert.is_nil(type_of_body)
    assert.equal("", request.body)
  end
end

-- What a call is refused with, raised or returned; nothing was sent, and no file begun.
local function refusal(row, fields)
  local client = new()
  local good, number, err = pcall(core[row.name], client, fields, options_of(row))
  assert.is_nil((client:outgoing()))
  client:close()
  assert.is_nil(io.open(directory .. "/file.part"))
  if not good then return (assert(core.argument_error(number), number)) end
  assert.is_nil(number, "it was accepted")
  assert.equal(row.api, err.api)
  assert.equal(row.name, err.operation)
  return err.kind .. ": " .. err.reason
end

local function assert_refused(row, fields, pattern)
  local message = refusal(row, fields)
  assert(message:find(pattern), ("%s %s: %s has not %s"):format(row.api, row.name, message, pattern))
end

local function accepted(row, fields)
  local client = new()
  local number, err = core[row.name](client, fields, options_of(row))
  assert(number, err and err.reason)
  local _, request = client:outgoing()
  client:close()
  return request
end

-- The fields with one in another value.
local function with(row, name, value)
  local fields = fields_of(row)
  fields[name] = value
  return fields
end

local function each_field(visit)
  for _, row in ipairs(core.operations()) do
    for _, field in ipairs(row.fields) do
      local fields = fields_of(row)
      if fields[field.name] == nil then -- the other spelling
        for _, other in ipairs(row.fields) do
          if other.wire == field.wire and other.place == field.place then fields[other.name] = nil end
        end
      end
      visit(row, field, fields)
    end
  end
end

local function title(row) return row.api .. " " .. row.name end

setup(function() directory, remove_directory = files.directory() end)
teardown(function() remove_directory() end)

describe("a row", function()
  it("has a name once in a dialect, and words for all its parts", function()
    local seen, count = {}, 0
    for _, row in ipairs(core.operations()) do
      assert.is_nil(seen[title(row)])
      seen[title(row)], count = true, count + 1
      assert.is_function(core[row.name])
      assert.is_true(row.timeout > 0)
      for name in row.path:gmatch "{([^}]*)}" do
        local found = 0
        for _, field in ipairs(row.fields) do
          if field.place == "path" and field.wire == name then found = found + 1 end
        end
        assert.equal(1, found, title(row))
      end
      for _, field in ipairs(row.fields) do assert.is_table(types[field.type], field.type) end
    end
    assert.is_true(count > 100)
  end)

  for _, row in ipairs(core.operations()) do
    for _, only_required in ipairs { false, true } do
      it(("%s sends %s"):format(title(row), only_required and "what is needed" or "every field"), function()
        local fields = fields_of(row, only_required)
        local request = accepted(row, fields)
        assert.equal(row.method, request.method)
        local prefix = row.api == "agent" and "/prefix" or ""
        assert.equal(prefix .. expected_path(row, fields), request.path)
        assert.equal(pairs_of(row, fields, "query"), request.query)
        assert_body(row, fields, request)
        local at_service = row.host == "service" or (row.host == "runtime" and row.api ~= "agent")
        assert.equal(at_service and "Bearer ********" or nil, request.headers.authorization)
        local session = row.api == "agent" or (not only_required and uses(row, "header"))
        assert.equal(session and SESSION or nil, request.headers["x-session-api-key"])
      end)
    end
  end
end)

describe("a field", function()
  it("of the wrong type is refused by its name", function()
    local values = { string = "x", number = 7, boolean = true, table = { a = 1 }, ["function"] = print,
      userdata = io.stdout, thread = coroutine.create(function() end) }
    each_field(function(row, field, fields)
      for kind, value in pairs(values) do
        local takes = field.place == "multipart" and field.type == "a string" and "string" or types[field.type].takes
        if not takes:find(kind, 1, true) then
          fields[field.name] = value
          assert_refused(row, fields, "'" .. field.name)
        end
      end
      local wrong = types[field.type].wrong
      if wrong then
        fields[field.name] = wrong
        assert_refused(row, fields, "'" .. field.name)
      end
    end)
  end)

  it("that is needed is missed by its name", function()
    for _, row in ipairs(core.operations()) do
      for _, field in ipairs(row.fields) do
        local fields, spelt_otherwise = fields_of(row), false
        for _, other in ipairs(row.fields) do
          local same = other.wire == field.wire and other.place == field.place
          if same then fields[other.name] = nil end
          spelt_otherwise = spelt_otherwise or (same and other.name ~= field.name)
        end
        fields[field.name] = nil
        if field.required then
          assert_refused(row, fields, "'[%w_]+' is missing")
          if not spelt_otherwise then assert_refused(row, fields, "'" .. field.name .. "' is missing") end
        else
          accepted(row, fields)
        end
        fields[field.name] = core.null
        if field.required then assert_refused(row, fields, "is missing") else accepted(row, fields) end
      end
    end
  end)

  it("in another spelling is the same; in two, a mistake", function()
    local count = 0
    each_field(function(row, field, fields)
      for _, other in ipairs(row.fields) do
        if other.name ~= field.name and other.wire == field.wire and other.place == field.place then
          count = count + 1
          fields[field.name], fields[other.name] = value_of(row, field), nil
          assert_body(row, fields, accepted(row, fields))
          fields[other.name] = value_of(row, other)
          assert_refused(row, fields, "two names of one field")
        end
      end
    end)
    assert.is_true(count > 0)
  end)

  it("that no row has is refused by its name", function()
    for _, row in ipairs(core.operations()) do
      local fields = fields_of(row)
      fields.no_such_field_at_all = 1
      assert_refused(row, fields, "'no_such_field_at_all' is not a field")
      fields.no_such_field_at_all, fields[1] = nil, 1
      if not (row.fields[1] and row.fields[1].type:find "list of at most 99") then
        assert_refused(row, fields, "number as a key")
      end
      assert_refused(row, setmetatable(fields_of(row), {}), "metatable")
    end
  end)

  it("may stand alone when it is the first", function()
    for _, row in ipairs(core.operations()) do
      local first = row.fields[1]
      if first == nil then
        assert_refused(row, "x", "takes no fields")
      else
        local alone = true
        for i, field in ipairs(row.fields) do
          local same = field.name == first.name
            or (field.place == first.place and field.wire == first.wire)
          alone = alone and (i == 1 or same or not field.required)
        end
        local value = value_of(row, first)
        if alone and (type(value) ~= "table" or first.type:find "list of at most 99") then
          assert.same(accepted(row, { [first.name] = value }), accepted(row, value))
        end
      end
    end
  end)

  it("with a list takes 1 to 99", function()
    local count = 0
    each_field(function(row, field, fields)
      local one = field.type:find "UUID" and UUID or "näme"
      if not field.type:find "list of at most 99" then return end
      count = count + 1
      local many = {}
      for i = 1, 99 do many[i] = one end
      fields[field.name] = many
      local _, found = ("&" .. accepted(row, fields).query):gsub("&" .. field.wire .. "=", "")
      assert.equal(99, found)
      many[100] = one
      assert_refused(row, fields, "'" .. field.name .. "' must have 1 to 99 items, not 100")
      fields[field.name] = {}
      assert_refused(row, fields, "'" .. field.name .. "' must have 1 to 99 items, not 0")
      fields[field.name] = { one, one, [4] = one }
      assert_refused(row, fields, "'" .. field.name .. "' is a list with holes")
      fields[field.name] = { one, true }
      assert_refused(row, fields, "'" .. field.name .. "%[2%]' must be")
      fields[field.name] = one
      assert.is_truthy(accepted(row, fields).query:find(field.wire .. "=" .. encoded(one), 1, true))
    end)
    assert.is_true(count > 4)
  end)

  it("with a name takes what can stand in a path, and nothing that would leave it", function()
    local count = 0
    each_field(function(row, field, fields)
      if not field.type:find "^a name" then return end
      count = count + 1
      local two_places = uses(row, "body") and row.name:find "secrets%."
      for _, name in ipairs { "", ".", "..", "a\nb", "a\0", "..\0", "\127", ("x"):rep(256), ("ü"):rep(128) } do
        fields[field.name] = name
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      local good = { "...", ".a", "ü", "a b", "%2e%2e", "\\", ("x"):rep(255), not two_places and "\255" or nil }
      for _, name in ipairs(good) do
        fields[field.name] = name
        local request = accepted(row, fields)
        assert.is_truthy((request.path .. "?" .. request.query):find(encoded(name), 1, true))
      end
      fields[field.name] = "a/b"
      if field.place == "path" then
        assert_refused(row, fields, "'" .. field.name .. "' contains a slash")
      else
        assert.is_truthy(accepted(row, fields).query:find("a%2Fb", 1, true))
      end
    end)
    assert.is_true(count > 10)
  end)

  it("with an integer takes whole numbers only", function()
    each_field(function(row, field, fields)
      if field.type ~= "an integer" then return end
      for _, number in ipairs { 0.5, 1 / 0, -1 / 0, 0 / 0, 2 ^ 54, "7" } do
        fields[field.name] = number
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      for number, written in pairs { [0] = "0", [-1] = "-1", [2 ^ 53] = "9007199254740992" } do
        fields[field.name] = number
        local request = accepted(row, fields)
        local all = request.path .. "?" .. request.query .. "&" .. request.body
        assert.is_truthy(all:find("%f[%d-]" .. written:gsub("%-", "%%-") .. "%f[%D]"), all)
      end
    end)
    local row = { api = "v1", name = "keys.delete", shape = "object", host = "service" }
    assert.equal("/api/keys/7", accepted(row, 7).path)
    assert.equal("/api/keys/0", accepted(row, -0.0).path)
    assert.equal("/api/keys/1000000000000000", accepted(row, 1e15).path)
  end)

  it("with an id takes no other characters", function()
    each_field(function(row, field, fields)
      local is_uuid = field.type:find "UUID"
      if not is_uuid and not field.type:find "^an id" then return end
      for _, id in ipairs { "", "../x", "a/b", "a b", "ä", "a\0b", ("x"):rep(129) } do
        fields[field.name] = id
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      fields[field.name] = "abc"
      if is_uuid then assert_refused(row, fields, "^invalid: '" .. field.name) else accepted(row, fields) end
    end)
  end)

  it("stands in two places where the service wants it twice", function()
    local rows = {}
    for _, row in ipairs(core.operations()) do rows[title(row)] = row end
    local request = accepted(rows["v1 sandboxes.delete"], "a b")
    assert.equal("/api/v1/sandboxes/a%20b", request.path)
    assert.equal("sandbox_id=a%20b", request.query)
    for _, name in ipairs { "v0 secrets.update", "v1 secrets.update" } do
      request = accepted(rows[name], { name = "A B", description = "x" })
      assert.is_truthy(request.path:find("/secrets/A%20B", 1, true))
      assert.same({ name = "A B", description = "x" }, cjson.decode(request.body))
    end
  end)

  it("with a secret shows it in no refusal", function()
    each_field(function(row, field, fields)
      if field.place == "header" then
        for _, secret in ipairs { "", "sk canary", "sk\ncanary", "canary\255", ("canary"):rep(100) } do
          fields[field.name] = secret
          assert_refused(row, fields, "'" .. field.name .. "' ")
          assert.is_nil(refusal(row, fields):find("canary", 1, true))
        end
      elseif field.place ~= "multipart" and types[field.type].takes == "string" then
        fields[field.name] = "canary\255"
        if field.place == "body" then assert.is_nil(refusal(row, fields):find("canary", 1, true)) end
      end
    end)
  end)

  it("with files takes names and bytes of every kind", function()
    local row
    for _, candidate in ipairs(core.operations()) do
      if title(candidate) == "v0 upload" then row = candidate end
    end
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    local fields = { conversation_id = "abc", files = { ["ü x.bin"] = table.concat(bytes), empty = "" } }
    local request = accepted(row, fields)
    local boundary = request.headers["content-type"]:match "boundary=(.*)$"
    assert.is_truthy(request.body:find(table.concat(bytes) .. "\r\n--" .. boundary, 1, true))
    local no_bytes = 'filename="empty"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--'
    assert.is_truthy(request.body:find(no_bytes, 1, true))
    assert.is_truthy(request.body:find('name="files"; filename="ü x.bin"', 1, true))
    assert.not_equal(boundary, accepted(row, fields).headers["content-type"]:match "boundary=(.*)$")
    fields.files = { ["a\r\nX-Evil: 1"] = "x" }
    assert.is_nil(accepted(row, fields).body:find("\r\nX-Evil", 1, true))
    for _, wrong in ipairs { {}, { "x" }, { [""] = "x" }, { ["a\0b"] = "x" }, { a = core.null }, { a = {} } } do
      assert_refused(row, with(row, "files", wrong), "'files")
    end
    assert_refused(row, with(row, "files", setmetatable({ a = "x" }, {})), "'files' has a metatable")
    assert_refused(row, with(row, "files", { a = ("x"):rep(33554432) }), "larger than 33554432 bytes")
  end)
end)

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
    local number, err = core[row.name](client, fields_of(row), options_of(row, server))
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
    local session = at_runtime or uses(row, "header")
    assert.equal(session and SESSION or nil, headers["x-session-api-key"])
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
    local client = new()
    local number = assert(core[row.name](client, fields_of(row), options_of(row)))
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
        local label = ("%s: %s"):format(title(row), name)
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
      assert.is_nil(value, title(row))
      assert.equal("protocol", err.kind)
      assert.is_nil(io.open(directory .. "/page"))
    end
  end)

  it("is as it is where it is bytes", function()
    local rows = {}
    for _, row in ipairs(core.operations()) do rows[row.shape] = row end
    local bytes = "<a>\0\255"
    assert.equal(bytes, (result(rows.bytes, { status = 200, body = bytes, content_type = "text/plain" })))
    assert.equal(bytes, (result(rows.any, { status = 200, body = bytes, content_type = "text/plain" })))
    assert.equal("", (result(rows.any, { status = 204 })))
    assert.equal("{}\n", (result(rows.any, { status = 200, body = "{}\n", content_type = "application/jsonl" })))
    assert.same({ a = 1 }, (result(rows.any, { status = 200, body = '{"a":1}', content_type = "application/x+json" })))
    assert.equal(17, (result(rows.integer, { status = 200, body = " 17 ", content_type = "application/json" })))
    assert.equal("17", tostring((result(rows.integer, { status = 200, body = "17.0" }))))
    assert.is_false((result(rows["boolean_or_nothing"], { status = 200, body = "false" })))
    assert.equal("ü\n", (result(rows.text, { status = 200, body = [["\u00fc\n"]] })))
    local file = result(rows.file, { status = 200, body = bytes, content_type = "application/zip" })
    assert.same({ path = directory .. "/file", bytes = #bytes }, file)
    assert.equal(bytes, files.read(file.path))
  end)

  it("that is an error never shows a key", function()
    local body = ('{"detail":[{"input":"%s and %s"}],"%s":"%s"}'):format(canary.key, SESSION, SESSION, canary.key)
    for _, row in ipairs(core.operations()) do
      for _, status in ipairs { 200, 302, 400, 401, 404, 422, 429, 500 } do
        local value, err = result(row, { status = status, body = body .. "x", reason = canary.key .. SESSION })
        if err then
          assert.is_nil(value)
          canary.assert_no_secret(err)
          if options_of(row).session_api_key then canary.assert_no_secret(err, SESSION) end
        end
      end
      for _, transport in ipairs { "connect", "timeout", "tls", "cut", "else" } do
        local _, err = result(row, { transport = transport, reason = "with " .. canary.key .. " and " .. SESSION })
        canary.assert_no_secret(err)
        if options_of(row).session_api_key then canary.assert_no_secret(err, SESSION) end
      end
    end
  end)
end)
