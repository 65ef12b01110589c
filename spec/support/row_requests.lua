--- The request that a call of a row must send: its path, query and body, built from its row in the table of operations.
local assert = require "luassert"
local cjson = require "cjson"
local rows = require "spec.support.row_calls"

local M = {}

--- Returns a value percent-encoded.
---@return string
function M.encoded(value)
  return (tostring(value):gsub("[^%w%-_.~]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

--- Returns the parameters of a place, encoded.
---@return string
function M.pairs_of(row, fields, place)
  local pieces = {}
  for _, field in ipairs(row.fields) do
    local value = fields[field.name]
    if field.place == place and value ~= nil then
      for _, item in ipairs(type(value) == "table" and value or { value }) do
        pieces[#pieces + 1] = field.wire .. "=" .. M.encoded(item)
      end
    end
  end
  return table.concat(pieces, "&")
end

--- Returns the path.
---@return string
function M.expected_path(row, fields)
  return (row.path:gsub("{([^}]*)}", function(name)
    for _, field in ipairs(row.fields) do
      if field.place == "path" and field.wire == name then return M.encoded(fields[field.name]) end
    end
  end))
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

--- Fails unless a request has the body of these fields.
function M.assert_body(row, fields, request)
  local type_of_body = request.headers["content-type"]
  if rows.uses(row, "body") then
    local expected = {}
    for _, field in ipairs(row.fields) do
      if field.place == "body" and fields[field.name] ~= nil then expected[field.wire] = rows.as_json(row, field) end
    end
    assert.equal("application/json", type_of_body)
    assert.same(expected, cjson.decode(request.body))
  elseif rows.uses(row, "whole") then
    assert.equal("application/json", type_of_body)
    assert.same(fields[row.fields[#row.fields].name], cjson.decode(request.body))
  elseif rows.uses(row, "form") then
    assert.equal("application/x-www-form-urlencoded", type_of_body)
    assert.equal(M.pairs_of(row, fields, "form"), request.body)
  elseif rows.uses(row, "multipart") then
    local boundary = type_of_body:match "^multipart/form%-data; boundary=(%x+%-%x+%-%x+%-%x+%-%x+)$"
    assert.equal(parts_of(row, fields, boundary), request.body)
  else
    assert.is_nil(type_of_body)
    assert.equal("", request.body)
  end
end

return M
