-- The fields of every row: what each takes, and how it is refused. Nothing is sent then.

local cjson = require "cjson"
local core = require "openhands.core"
local files = require "spec.support.files"
local requests = require "spec.support.row_requests"
local rows = require "spec.support.row_calls"

-- Kinds of fields that take one value or a list of at most 99.
local IS_LIST = { uuids = true, names = true }

local remove_directory

setup(function() rows.directory, remove_directory = files.directory() end)
teardown(function() remove_directory() end)

-- What a call is refused with, raised or returned; nothing was sent, and no file begun.
local function refusal(row, fields)
  local client = rows.new()
  local good, number, err = pcall(core[row.name], client, fields, rows.options_of(row))
  assert.is_nil((client:outgoing()))
  client:close()
  assert.is_nil(io.open(rows.directory .. "/file.part"))
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

describe("a field", function()
  it("of the wrong type is refused by its name", function()
    local values = { string = "x", number = 7, boolean = true, table = { a = 1 }, ["function"] = print,
      userdata = io.stdout, thread = coroutine.create(function() end) }
    rows.each_field(function(row, field, fields)
      for kind, value in pairs(values) do
        local takes = field.place == "multipart" and field.kind == "file" and "string" or rows.types[field.kind].takes
        if not takes:find(kind, 1, true) then
          fields[field.name] = value
          assert_refused(row, fields, "'" .. field.name)
        end
      end
      local wrong = rows.types[field.kind].wrong
      if wrong then
        fields[field.name] = wrong
        assert_refused(row, fields, "'" .. field.name)
      end
    end)
  end)

  it("that is required and missing is named", function()
    for _, row in ipairs(core.operations()) do
      for _, field in ipairs(row.fields) do
        local fields, spelt_otherwise = rows.fields_of(row), false
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
          rows.accepted(row, fields)
        end
        fields[field.name] = core.null
        if field.required then assert_refused(row, fields, "is missing") else rows.accepted(row, fields) end
      end
    end
  end)

  it("in another spelling is the same field, and in both spellings a mistake", function()
    local count = 0
    rows.each_field(function(row, field, fields)
      for _, other in ipairs(row.fields) do
        if other.name ~= field.name and other.wire == field.wire and other.place == field.place then
          count = count + 1
          fields[field.name], fields[other.name] = rows.value_of(row, field), nil
          requests.assert_body(row, fields, rows.accepted(row, fields))
          fields[other.name] = rows.value_of(row, other)
          assert_refused(row, fields, "two names of one field")
        end
      end
    end)
    assert.is_true(count > 0)
  end)

  it("that no row has is refused by its name", function()
    for _, row in ipairs(core.operations()) do
      local fields = rows.fields_of(row)
      fields.no_such_field_at_all = 1
      assert_refused(row, fields, "'no_such_field_at_all' is not a field")
      fields.no_such_field_at_all, fields[1] = nil, 1
      if not (row.fields[1] and IS_LIST[row.fields[1].kind]) then
        assert_refused(row, fields, "number as a key")
      end
      assert_refused(row, setmetatable(rows.fields_of(row), {}), "metatable")
    end
  end)

  it("may stand alone if it is the first", function()
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
        local value = rows.value_of(row, first)
        if alone and (type(value) ~= "table" or IS_LIST[first.kind]) then
          assert.same(rows.accepted(row, { [first.name] = value }), rows.accepted(row, value))
        end
      end
    end
  end)

  it("of ids or names takes 1 to 99 of them", function()
    local count = 0
    rows.each_field(function(row, field, fields)
      local one = field.kind:find "^uuid" and rows.UUID or "näme"
      if not IS_LIST[field.kind] then return end
      count = count + 1
      local many = {}
      for i = 1, 99 do many[i] = one end
      fields[field.name] = many
      local _, found = ("&" .. rows.accepted(row, fields).query):gsub("&" .. field.wire .. "=", "")
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
      assert.is_truthy(rows.accepted(row, fields).query:find(field.wire .. "=" .. requests.encoded(one), 1, true))
    end)
    assert.is_true(count > 4)
  end)

  it("with a name takes what can stand in a path, and nothing that would leave it", function()
    local count = 0
    rows.each_field(function(row, field, fields)
      if not field.kind:find "^name" then return end
      count = count + 1
      local two_places = rows.uses(row, "body") and row.name:find "secrets%."
      for _, name in ipairs { "", ".", "..", "a\nb", "a\0", "..\0", "\127", ("x"):rep(256), ("ü"):rep(128) } do
        fields[field.name] = name
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      local good = { "...", ".a", "ü", "a b", "%2e%2e", "\\", ("x"):rep(255), not two_places and "\255" or nil }
      for _, name in ipairs(good) do
        fields[field.name] = name
        local request = rows.accepted(row, fields)
        assert.is_truthy((request.path .. "?" .. request.query):find(requests.encoded(name), 1, true))
      end
      fields[field.name] = "a/b"
      if field.place == "path" then
        assert_refused(row, fields, "'" .. field.name .. "' contains a slash")
      else
        assert.is_truthy(rows.accepted(row, fields).query:find("a%2Fb", 1, true))
      end
    end)
    assert.is_true(count > 10)
  end)

  it("with an integer takes whole numbers only", function()
    rows.each_field(function(row, field, fields)
      if field.kind ~= "integer" then return end
      for _, number in ipairs { 0.5, 1 / 0, -1 / 0, 0 / 0, 2 ^ 54, "7" } do
        fields[field.name] = number
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      for number, written in pairs { [0] = "0", [-1] = "-1", [2 ^ 53] = "9007199254740992" } do
        fields[field.name] = number
        local request = rows.accepted(row, fields)
        local all = request.path .. "?" .. request.query .. "&" .. request.body
        assert.is_truthy(all:find("%f[%d-]" .. written:gsub("%-", "%%-") .. "%f[%D]"), all)
      end
    end)
    local row = { api = "v1", name = "keys.delete", shape = "object", host = "service" }
    assert.equal("/api/keys/7", rows.accepted(row, 7).path)
    assert.equal("/api/keys/0", rows.accepted(row, -0.0).path)
    assert.equal("/api/keys/1000000000000000", rows.accepted(row, 1e15).path)
  end)

  it("with an id takes no other characters", function()
    rows.each_field(function(row, field, fields)
      local is_uuid = field.kind:find "^uuid"
      if not is_uuid and field.kind ~= "id" then return end
      for _, id in ipairs { "", "../x", "a/b", "a b", "ä", "a\0b", ("x"):rep(129) } do
        fields[field.name] = id
        assert_refused(row, fields, "'" .. field.name .. "' ")
      end
      fields[field.name] = "abc"
      if is_uuid then assert_refused(row, fields, "^invalid: '" .. field.name) else rows.accepted(row, fields) end
    end)
  end)

  it("stands in two places where the service wants it twice", function()
    local by_title = {}
    for _, row in ipairs(core.operations()) do by_title[rows.title(row)] = row end
    local request = rows.accepted(by_title["v1 sandboxes.delete"], "a b")
    assert.equal("/api/v1/sandboxes/a%20b", request.path)
    assert.equal("sandbox_id=a%20b", request.query)
    for _, name in ipairs { "v0 secrets.update", "v1 secrets.update" } do
      request = rows.accepted(by_title[name], { name = "A B", description = "x" })
      assert.is_truthy(request.path:find("/secrets/A%20B", 1, true))
      assert.same({ name = "A B", description = "x" }, cjson.decode(request.body))
    end
  end)

  it("with a secret is refused without showing it", function()
    rows.each_field(function(row, field, fields)
      if field.place == "header" then
        for _, secret in ipairs { "", "sk canary", "sk\ncanary", "canary\255", ("canary"):rep(100) } do
          fields[field.name] = secret
          assert_refused(row, fields, "'" .. field.name .. "' ")
          assert.is_nil(refusal(row, fields):find("canary", 1, true))
        end
      elseif field.place ~= "multipart" and rows.types[field.kind].takes == "string" then
        fields[field.name] = "canary\255"
        if field.place == "body" then assert.is_nil(refusal(row, fields):find("canary", 1, true)) end
      end
    end)
  end)

  it("with files takes names and bytes of every kind", function()
    local row
    for _, candidate in ipairs(core.operations()) do
      if rows.title(candidate) == "v0 upload" then row = candidate end
    end
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    local fields = { conversation_id = "abc", files = { ["ü x.bin"] = table.concat(bytes), empty = "" } }
    local request = rows.accepted(row, fields)
    local boundary = request.headers["content-type"]:match "boundary=(.*)$"
    assert.is_truthy(request.body:find(table.concat(bytes) .. "\r\n--" .. boundary, 1, true))
    local no_bytes = 'filename="empty"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--'
    assert.is_truthy(request.body:find(no_bytes, 1, true))
    assert.is_truthy(request.body:find('name="files"; filename="ü x.bin"', 1, true))
    assert.not_equal(boundary, rows.accepted(row, fields).headers["content-type"]:match "boundary=(.*)$")
    fields.files = { ["a\r\nX-Evil: 1"] = "x" }
    assert.is_nil(rows.accepted(row, fields).body:find("\r\nX-Evil", 1, true))
    for _, wrong in ipairs { {}, { "x" }, { [""] = "x" }, { ["a\0b"] = "x" }, { a = core.null }, { a = {} } } do
      assert_refused(row, rows.with(row, "files", wrong), "'files")
    end
    assert_refused(row, rows.with(row, "files", setmetatable({ a = "x" }, {})), "'files' has a metatable")
    assert_refused(row, rows.with(row, "files", { a = ("x"):rep(33554432) }), "larger than 33554432 bytes")
  end)
end)
