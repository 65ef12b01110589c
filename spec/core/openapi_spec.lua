-- The table of operations against what the service publishes about itself: paths, methods, names, types, and what is
-- required.
local core = require "openhands.core"
local known = require "spec.support.openapi_differences"
local openapi = require "spec.support.openapi"

for _, api in ipairs { "v0", "v1", "agent" } do
  describe("the operations of " .. api, function()
    local document = openapi.document(api)
    if not document then
      pending "are not compared: their document is not there"
      return
    end
    local published = openapi.operations(document)
    local met = {}

    for _, row in ipairs(core.operations()) do
      if row.api == api then
        it(("are published as they are here: %s"):format(row.name), function()
          local unknown = {}
          for _, complaint in ipairs(openapi.complaints(document, published, row)) do
            met[complaint] = true
            if not known[api][complaint] then
              unknown[#unknown + 1] = complaint
            end
          end
          assert.same({}, unknown)
        end)
      end
    end

    it("have no other differences than those explained here", function()
      for complaint in pairs(known[api]) do
        assert.is_true(met[complaint], "this is no difference any more: " .. complaint)
      end
    end)
  end)
end

describe("the comparison with a document", function()
  local document = {
    paths = {
      ["/things/{name}"] = {
        put = {
          parameters = {
            { name = "name", ["in"] = "path", required = true, schema = { type = "string" } },
            { name = "id", ["in"] = "query", required = true, schema = { type = "array" } },
            { name = "limit", ["in"] = "query", schema = { anyOf = { { type = "integer" }, { type = "null" } } } },
          },
          requestBody = {
            required = true,
            content = { ["application/json"] = { schema = { ["$ref"] = "#/components/schemas/Thing" } } },
          },
        },
      },
      ["/things"] = {
        post = {
          requestBody = {
            required = true,
            content = { ["application/json"] = { schema = { type = "object", additionalProperties = true } } },
          },
        },
      },
    },
    components = {
      schemas = {
        Thing = {
          type = "object",
          required = { "size" },
          properties = { size = { ["$ref"] = "#/components/schemas/Size" }, colour = { type = "string" } },
        },
        Size = { allOf = { { type = "integer" } } },
      },
    },
  }

  local function complaints(change)
    local row = {
      method = "PUT",
      path = "/things/{thing}",
      fields = {
        { name = "thing", wire = "thing", place = "path", kind = "name", type = "a name", required = true },
        { name = "ids", wire = "id", place = "query", kind = "names", type = "a name or a list", required = true },
        { name = "limit", wire = "limit", place = "query", kind = "integer", type = "an integer", required = false },
        { name = "size", wire = "size", place = "body", kind = "integer", type = "an integer", required = true },
        { name = "colour", wire = "colour", place = "body", kind = "text", type = "a string", required = false },
      },
    }
    change(row, row.fields)
    local found = openapi.complaints(document, openapi.operations(document), row)
    for i, complaint in ipairs(found) do
      found[i] = complaint:gsub("^[A-Z]+ [^:]*: ", "")
    end
    return found
  end

  it("finds nothing wrong with what is right", function()
    assert.same({}, complaints(function() end))
  end)

  local mistakes = {
    ["is not published"] = function(row) row.method = "POST" end,
    ["path 'thing' has no field"] = function(_, fields) table.remove(fields, 1) end,
    ["path 'size' does not stand in it"] = function(_, fields)
      fields[#fields + 1] = { name = "size", wire = "size", place = "path", kind = "integer", required = true }
    end,
    ["query 'Limit' is not published"] = function(_, fields) fields[3].wire = "Limit" end,
    ["body 'color' is not published"] = function(_, fields) fields[5].wire = "color" end,
    ["query 'id' is not a string there"] = function(_, fields) fields[2].kind, fields[2].type = "text", "a string" end,
    ["body 'size' is not a string there"] = function(_, fields) fields[4].kind, fields[4].type = "text", "a string" end,
    ["query 'id' is required there"] = function(_, fields) fields[2].required = false end,
    ["body 'size' is required there and missing here"] = function(_, fields) table.remove(fields, 4) end,
    ["a body is required there and missing here"] = function(row)
      row.method, row.path, row.fields = "POST", "/things", {}
    end,
    ["body is not a list there"] = function(row)
      row.method, row.path = "POST", "/things"
      row.fields = { { name = "all", wire = "all", place = "whole", kind = "list", type = "a list" } }
    end,
  }
  for complaint, mistake in pairs(mistakes) do
    it("finds: " .. complaint, function()
      assert.same({ complaint }, complaints(mistake))
    end)
  end

  it("refuses to judge a type that it does not know", function()
    assert.has_error(function()
      complaints(function(_, fields) fields[5].kind = "color" end)
    end)
  end)
end)
