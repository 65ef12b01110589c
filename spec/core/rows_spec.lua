-- Every row of the table of operations: what its call sends, with every field and with the required ones only.

local core = require "openhands.core"
local files = require "spec.support.files"
local requests = require "spec.support.row_requests"
local rows = require "spec.support.row_calls"

local remove_directory

setup(function() rows.directory, remove_directory = files.directory() end)
teardown(function() remove_directory() end)

describe("a row", function()
  it("has its name once in a dialect, and all that a call needs", function()
    local seen, count = {}, 0
    for _, row in ipairs(core.operations()) do
      assert.is_nil(seen[rows.title(row)])
      seen[rows.title(row)], count = true, count + 1
      assert.is_function(core[row.name])
      assert.is_true(row.timeout > 0)
      for name in row.path:gmatch "{([^}]*)}" do
        local found = 0
        for _, field in ipairs(row.fields) do
          if field.place == "path" and field.wire == name then found = found + 1 end
        end
        assert.equal(1, found, rows.title(row))
      end
      for _, field in ipairs(row.fields) do assert.is_table(rows.types[field.kind], field.kind) end
    end
    assert.is_true(count > 100)
  end)

  for _, row in ipairs(core.operations()) do
    for _, only_required in ipairs { false, true } do
      it(("%s sends %s"):format(rows.title(row), only_required and "the required fields" or "every field"), function()
        local fields = rows.fields_of(row, only_required)
        local request = rows.accepted(row, fields)
        assert.equal(row.method, request.method)
        local prefix = row.api == "agent" and "/prefix" or ""
        assert.equal(prefix .. requests.expected_path(row, fields), request.path)
        assert.equal(requests.pairs_of(row, fields, "query"), request.query)
        requests.assert_body(row, fields, request)
        local at_service = row.host == "service" or (row.host == "runtime" and row.api ~= "agent")
        assert.equal(at_service and "Bearer ********" or nil, request.headers.authorization)
        local session = row.api == "agent" or (not only_required and rows.uses(row, "header"))
        assert.equal(session and rows.SESSION or nil, request.headers["x-session-api-key"])
      end)
    end
  end
end)
