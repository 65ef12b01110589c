-- Items of a fleet, as the user gives them.
local core = require "openhands.core"
local in_process = require "spec.support.in_process"
local items = require "openhands.fleet.items"
local json = require "openhands.fleet.json"

local client = in_process.simulated()

local function read(given, context)
  context = context or {}
  context.caller, context.place = "add", context.place or 1
  return items.read(client, given, context)
end

local function fields_of(item, secrets)
  return items.fields(item.request, secrets, item.key)
end

-- Checks that a function raises a message that begins so, at a line of this file.
local function raises(message, run)
  local good, problem = pcall(run)
  assert.is_false(good)
  local at, text = problem:match "^(.-):%d+: openhands%.(.*)$"
  assert.matches("items_spec%.lua$", at)
  assert.equal(message, text:sub(1, #message))
end

local function refuses(message, given, context)
  raises(message, function() return (read(given, context)) end)
end

describe("an item", function()
  it("becomes a key and the fields of a start, the same however it is written", function()
    local one = read { key = "a/b", repository = "a/b", initial_user_msg = "Fix it.", priority = 3 }
    assert.same({ "a/b", 3 }, { one.key, one.priority })
    assert.equal('{"initial_user_msg":"Fix it.","repository":"a/b"}', one.request)
    local other = read { initial_user_msg = "Fix it.", repository = "https://github.com/a/b", git_provider = core.null,
      key = "a/b" }
    assert.not_equal(one.request_hash, other.request_hash) -- the address also says the provider
    other = read { initial_user_msg = "Fix it.", repository = "a/b", title = core.null }
    assert.equal(one.request_hash, other.request_hash)
    assert.equal("a/b", other.key)
    assert.not_equal(one.request_hash, read { repository = "a/b", initial_user_msg = "Fix it!" }.request_hash)
  end)

  it("keeps null, empty lists and numbers within fields", function()
    local fields = { initial_user_msg = "x", plugins = { { source = "s", parameters = { a = core.null, b = 1.5,
      c = core.array {}, d = 2 ^ 40, e = { 1, 2 } } } }, pr_number = { 7 } }
    fields.key = "k"
    local back = fields_of(read(fields))
    fields.key = nil
    assert.same(fields, back)
    assert.equal(getmetatable(core.array {}), getmetatable(back.plugins[1].parameters.c))
    assert.equal(json.encode(fields), json.encode(back))
  end)

  it("is checked as start checks its fields, with the key in the message", function()
    refuses("add: item 'a/b': 'repositry' is not a field of an item (did you mean 'repository'?)",
      { key = "a/b", repositry = "a/b" })
    refuses("add: item 'k': 'prioritty' is not a field of an item (did you mean 'priority'?)",
      { key = "k", prioritty = 1 })
    refuses("add: item 'a/b': 'initial_user_msg' is missing", { key = "a/b", repository = "a/b" })
    refuses("add: item 'k': 'title' must be a string", { key = "k", initial_user_msg = "x", title = 7 })
    refuses("add: item 'k': 'conversation_id' is chosen by the fleet", { key = "k", initial_user_msg = "x",
      conversation_id = core.uuid() })
    refuses("add: item 'k': 'on_id' is a function", { key = "k", initial_user_msg = "x", on_id = print })
    refuses("add: item 'k': 'repository' is not the address of a repository", { key = "k", initial_user_msg = "x",
      repository = "https://github.com/a" })
    refuses("add: item 2 needs a 'key'", { initial_user_msg = "x" }, { place = 2 })
    refuses("add: item 1: its key must be a text", { key = "a\nb", initial_user_msg = "x" })
    refuses("add: item 1 must be a table of fields, not a boolean", true)
    refuses("add: item 'k': 'priority' must be a whole number", { key = "k", initial_user_msg = "x", priority = 0.5 })
  end)

  it("may depend on others, and exclude others", function()
    local one = read { key = "{repository} docs", repository = "a/b", initial_user_msg = "x",
      depends_on = { "{repository}", "c" }, exclusive = "{repository}..main" }
    assert.same({ "a/b", "c" }, one.depends_on)
    assert.equal("a/b..main", one.exclusive)
    local other = read { key = "a/b docs", repository = "a/b", initial_user_msg = "x", depends_on = "a/b" }
    assert.same({ "a/b" }, other.depends_on)
    assert.not_equal(one.request_hash, other.request_hash)
    refuses("add: item 'k': 'depends_on' must be a key or a list", { key = "k", initial_user_msg = "x",
      depends_on = 7 })
    refuses("add: item 'k': 'depends_on' must be a key or a list", { key = "k", initial_user_msg = "x",
      depends_on = { "" } })
    for _, exclusive in ipairs { {}, "", "{group}", "a\n" } do
      refuses("add: item 'k': 'exclusive' must be a text", { key = "k", initial_user_msg = "x", exclusive = exclusive,
        group = "" })
    end
  end)

  it("is refused if the service's dialect cannot take a field", function()
    local old = in_process.simulated({ api = "v0" }, { api = "v0" })
    local item, err = items.read(old, { key = "k", initial_user_msg = "x", llm_model = "m" },
      { caller = "add", place = 1 })
    assert.is_nil(item)
    assert.equal("unsupported", err.kind)
  end)

  it("takes what it does not have from the defaults", function()
    local defaults = { initial_user_msg = "Upgrade {repository}.", llm_model = "m" }
    local item = read({ repository = "a/b", llm_model = "n" }, { defaults = defaults })
    assert.same({ initial_user_msg = "Upgrade a/b.", repository = "a/b", llm_model = "n" }, fields_of(item))
  end)
end)

describe("a template", function()
  it("is filled with the item's own fields, also with such that a start does not have", function()
    local item = read { key = "{repository} {version}", repository = "a/b", version = 2.0, is_safe = true,
      initial_user_msg = "Upgrade {repository} to {version} ({is_safe}).", observability_tags = { "to {version}" } }
    assert.equal("a/b 2", item.key)
    assert.same({ repository = "a/b", initial_user_msg = "Upgrade a/b to 2 (true).", observability_tags = { "to 2" } },
      fields_of(item))
  end)

  it("leaves other braces alone", function()
    local text = 'f() {} {"a": {"b": 1}} ${{ github.ref }} {x y} {} {{'
    assert.equal(text, fields_of(read { key = "k", initial_user_msg = text }).initial_user_msg)
    local item = read { key = "k", initial_user_msg = "Write {{key}} and {{key} for {key}." }
    assert.equal("Write {key} and {key} for k.", fields_of(item).initial_user_msg)
  end)

  it("does not fill what it has filled in from a record", function()
    local record = { title = "Loses {braces}", number = 7 }
    local item = read({ key = "issue {number}", initial_user_msg = "Fix: {title}" }, { record = record })
    assert.equal("Fix: Loses {braces}", fields_of(item).initial_user_msg)
    assert.equal("issue 7", item.key)
  end)

  it("follows names from field to field, but not in circles", function()
    local item = read { repository = "{owner}/{name}", owner = "a", name = "b", initial_user_msg = "Fix {repository}." }
    assert.same({ repository = "a/b", initial_user_msg = "Fix a/b." }, fields_of(item))
    refuses("add: item 'k' fills in the field 'title' with itself", { key = "k", title = "{title}",
      initial_user_msg = "x" })
    refuses("add: item 'k' fills in the field '", { key = "k", repository = "{title}", title = "{repository}",
      initial_user_msg = "x" })
  end)

  it("names the item and the name that is missing", function()
    refuses("add: item 'a/b' has no field 'verson', which 'initial_user_msg' names in braces (did you mean 'version'?)",
      { repository = "a/b", version = "2", initial_user_msg = "To {verson}." })
    refuses("add: item 'a/b' has in 'plugins'", { repository = "a/b", plugins = {}, initial_user_msg = "{plugins}" })
    refuses("add: item 3 has no field 'x'", { key = "{x}", initial_user_msg = "x" }, { place = 3 })
  end)
end)

describe("a secret of an item", function()
  it("is a reference in the ledger, and resolved for the start", function()
    local item = read { key = "k", initial_user_msg = "x", secrets = { TOKEN = { secret = "MINE" },
      secret = { secret = "HOME" } } }
    assert.equal('{"initial_user_msg":"x","secrets":{"TOKEN":{"secret":"MINE"},"secret":{"secret":"HOME"}}}',
      item.request)
    local home = os.getenv "HOME"
    assert.same({ TOKEN = "of a table", secret = home }, fields_of(item, { MINE = "of a table" }).secrets)
    assert.same({ TOKEN = "MINE?", secret = "HOME?" }, fields_of(item, function(name) return name .. "?" end).secrets)
    assert.same({ TOKEN = "MINE!", secret = home },
      fields_of(item, { MINE = function(name) return name .. "!" end }).secrets)
  end)

  it("may also be elsewhere in the fields", function()
    local item = read { key = "k", initial_user_msg = "x", plugins = { { source = "s",
      parameters = { token = { secret = "A" } } } } }
    assert.equal("a", fields_of(item, { A = "a" }).plugins[1].parameters.token)
  end)

  it("must be a reference", function()
    refuses("add: item 'k': 'secrets.TOKEN' must be a reference, e.g. { secret = \"TOKEN\" }", { key = "k",
      initial_user_msg = "x", secrets = { TOKEN = "canary-secret" } })
    refuses("add: item 'k': 'secrets' must be", { key = "k", initial_user_msg = "x", secrets = "canary-secret" })
  end)

  it("that is missing is an error without any secret in it", function()
    local item = read { key = "k", initial_user_msg = "x", secrets = { TOKEN = { secret = "OPENHANDS_SPEC_NONE" } } }
    local fields, err = fields_of(item)
    assert.is_nil(fields)
    assert.same({ "invalid", "none" }, { err.kind, err.effect })
    assert.matches("the secret 'OPENHANDS_SPEC_NONE' of item 'k' is missing: it is neither in", err.message)
    for _, secrets in ipairs { { OPENHANDS_SPEC_NONE = 7 }, function() error "canary-secret" end } do
      fields, err = fields_of(item, secrets)
      assert.is_nil(fields)
      assert.not_matches("canary", err.message)
    end
  end)
end)

describe("items", function()
  -- Returns the keys and first messages of a stream.
  local function all(...)
    local keys, texts, next_item = {}, {}, items.stream(client, "add", ...)
    for item, err in next_item do
      assert(item, err)
      keys[#keys + 1] = item.key
      texts[#texts + 1] = fields_of(item).initial_user_msg
    end
    return keys, texts
  end

  local function iterator(list)
    local place = 0
    return function()
      place = place + 1
      return list[place]
    end
  end

  it("come one by one, from a list, or from an iterator", function()
    local one, other = { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "y" }
    assert.same({ "a" }, (all(nil, one)))
    assert.same({ "a", "b" }, (all(nil, { one, other })))
    assert.same({}, (all(nil, {})))
    assert.same({ "a", "b" }, (all(nil, iterator { one, other })))
  end)

  it("come from a template and a source of records", function()
    local template = { repository = "{full_name}", initial_user_msg = "Upgrade {full_name}." }
    local keys, texts = all(nil, template, { { full_name = "a/b", id = 1 }, { full_name = "c/d", id = 2 } })
    assert.same({ "a/b", "c/d" }, keys)
    assert.same({ "Upgrade a/b.", "Upgrade c/d." }, texts)
    keys, texts = all({ initial_user_msg = "Fix {item}, number {index}." }, { repository = "{item}" },
      iterator { "a/b", "c/d" })
    assert.same({ "a/b", "c/d" }, keys)
    assert.same({ "Fix a/b, number 1.", "Fix c/d, number 2." }, texts)
    keys = all(nil, function(record, index)
      return { key = record .. index, initial_user_msg = "x" }
    end, { "a", "b" })
    assert.same({ "a1", "b2" }, keys)
    keys, texts = all(nil, function(record)
      return { key = "{name}", initial_user_msg = "Fix {what}." }, record
    end, { { name = "a", what = "{name}" } })
    assert.same({ { "a" }, { "Fix {name}." } }, { keys, texts })
  end)

  it("come from a collection of the service", function()
    local keys = all(nil, { repository = "{full_name}", initial_user_msg = "x" },
      client.git:repositories { provider = "github" })
    assert.is_true(#keys > 0)
    assert.equal((assert(client.git:repositories({ provider = "github" }):next())).full_name, keys[1])
  end)

  it("pass on an error of their source", function()
    local next_item = items.stream(client, "add", nil, function() return nil, "no file" end)
    local item, err = next_item()
    assert.same({ nil, "no file" }, { item, err })
  end)

  it("may be the arguments of a program, whose name is no item", function()
    local next_item = items.stream(client, "add", nil, { key = "{key}", initial_user_msg = "Do it." },
      { [-1] = "lua", [0] = "program.lua", "a", "b" })
    assert.same({ "a", "b" }, { assert(next_item()).key, assert(next_item()).key })
    assert.is_nil(next_item())
  end)

  it("must be several or one", function()
    for message, given in pairs {
      ["add: needs a list or an iterator of items, not a number"] = { { key = "a" }, 7 },
      ["add: the list of items has a hole, or the key 'x'"] = { { { key = "a" }, x = 1 } },
      ["add: the template of items must be a table"] = { "text", {} },
    } do
      raises(message, function() items.stream(client, "add", nil, given[1], given[2]) end)
    end
    raises("add: item 1 must be a table or a text, not a boolean", function()
      items.stream(client, "add", nil, { initial_user_msg = "x" }, { true })()
    end)
  end)
end)

describe("canonical JSON", function()
  it("reads back what it has written", function()
    for _, value in ipairs { 0, -1, 0.1, 1e300, 2 ^ 53, 5e-324, "", "\0\1\31\127\"\\/\228\n\r\t", true, false,
      core.null, { 1, { 2 } }, { a = { b = "c" }, ["\n"] = 1 } } do
      local text = json.encode(value)
      assert.same(value, (json.decode(text)))
      assert.equal(text, json.encode((json.decode(text))))
    end
    assert.equal('{"a":[],"b":{},"z":1}', json.encode { z = 1, a = core.array {}, b = {} })
    assert.equal('{"a":[],"b":{},"z":1}', json.encode((json.decode ' { "b" : {} , "a" : [ ] , "z" : 1.0 } ')))
    assert.equal("\195\164\226\130\172\240\157\132\158/", (json.decode [["\u00e4\u20AC\ud834\udd1e\/"]]))
  end)

  it("says where a text is not JSON", function()
    for _, text in ipairs { "", "{", "[1,]", "{1:2}", '{"a" 1}', "nul", '"a', '"\\x"', '"\\ud834"', "1 2", "--1", "\v1",
      ("["):rep(70) .. ("]"):rep(70) } do
      local value, problem = json.decode(text)
      assert.is_nil(value)
      assert.matches("^is not JSON at byte %d+$", problem)
    end
  end)

  it("refuses what JSON cannot hold", function()
    for _, value in ipairs { 0 / 0, 1 / 0, print, { [{}] = 1 }, { { { print } } } } do
      assert.has_error(function() json.encode(value) end)
    end
  end)
end)
