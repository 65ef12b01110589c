-- The report as a web page: what is in it. `page_browser_spec.lua` shows it in a browser.
local json = require "openhands.simulator.encoding.json"
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"
local script = require "openhands.fleet.report.page.script"
local style = require "openhands.fleet.report.page.style"
local text = require "openhands.display.text"

local function page(list, fleet) return report.new(list, { now = rows.NOW, fleet = fleet }):html() end

local ELEMENTS = {}
for name in ([[html head meta title style body main h1 h2 p ul li button b span svg rect a line text section div input
  table thead tbody tr th td details summary bdi script]]):gmatch "%S+" do
  ELEMENTS[name] = true
end

-- The attributes that the page may have. None of them can run anything or load anything by itself.
local ATTRIBUTES = {}
for name in ([[lang charset http-equiv content name class aria-label aria-labelledby aria-hidden aria-sort id type
  placeholder role scope data-sort data-state data-label data-value href rel dir tabindex x y x1 x2 y1 y2 dx rx width
  height]]):gmatch "%S+" do
  ATTRIBUTES[name] = true
end

-- Reads the tags of a page as a strict parser would; calls `visit` with the name and the attributes of each.
local function each_tag(written, visit)
  local rest = written:gsub("^<!doctype html>\n", "")
  rest = rest:gsub("<style>.-</style>", "", 1):gsub("<script>.-</script>", "", 1)
  local place = 1
  while true do
    local from = rest:find("<", place, true)
    assert.is_nil(rest:sub(place, (from or 0) - 1):find(">", 1, true))
    if not from then return end
    local closing, name, attributes, finish = rest:match("^<(/?)(%l%w*)(.-)(/?>)", from)
    assert(ELEMENTS[name], rest:sub(from, from + 60))
    local seen = {}
    local left = attributes:gsub(' ([%l%d-]+)="([^"<>]*)"', function(attribute, value)
      assert(ATTRIBUTES[attribute], attribute)
      seen[attribute] = value
      return ""
    end)
    assert.equal("", left)
    if closing == "" then visit(name, seen) end
    place = from + 1 + #closing + #name + #attributes + #finish
  end
end

local function count_tags(written)
  local counts = {}
  each_tag(written, function(name) counts[name] = (counts[name] or 0) + 1 end)
  return counts
end

describe("the page of a report", function()
  it("has a row for each run, the worst first", function()
    local written, places = page(rows.many(20)), {}
    for state in written:gmatch '<tr id="run%-%d+" data%-state="(%l+)">' do places[#places + 1] = state end
    assert.equal(20, #places)
    assert.equal("ambiguous", places[1])
    assert.equal("done", places[20])
    assert.matches("owner/repository-1</bdi></th>", written, 1, true)
    assert.matches('<p dir="auto">All done in 1.</p>', written, 1, true)
    assert.matches('<a href="https://github.com/owner/repository-1/pull/1" rel="noopener noreferrer">'
      .. "<bdi>owner/repository-1#1</bdi></a>", written, 1, true)
    assert.matches('data-value="0.25">$0.25</td>', written, 1, true)
  end)

  it("has a bar for each run that was started", function()
    local bar = '<rect class="%l+" x="[%d.]+%%" y="%d+" width="[%d.]+%%" height="12"'
    assert.equal(16, select(2, page(rows.many(20)):gsub(bar, "")))
  end)

  it("draws as many lanes as runs were live at once", function()
    local function at(key, from, to)
      return rows.row { key = key, state = "done", intended_at = rows.NOW - from, ended_at = rows.NOW - to }
    end
    assert.matches("Timeline: up to 2 at once", page { at("a", 100, 50), at("b", 90, 60), at("c", 60, 10) }, 1, true)
    assert.matches(">Timeline</h2>", page { at("a", 100, 50), at("c", 50, 10) }, 1, true)
  end)

  it("consists of the elements and attributes that it is meant to have, whatever the texts are", function()
    local usual = count_tags(page(rows.many(20)))
    for _, words in ipairs(rows.HOSTILE) do
      for name in pairs(count_tags(page(rows.hostile(), words))) do
        assert.is_truthy(usual[name] or name == "details" or name == "summary", name)
      end
    end
  end)

  it("links to http and https alone, and to no address that hides its host", function()
    local links, list = {}, rows.hostile()
    for _, address in ipairs {
      "javascript:alert(1)", "data:text/html,x", "https://github.com@evil.test/", "file:///etc",
      "//evil.test", "https://", "https://a b", "https://a\nb", 'https://a"b', "HTTPS://good.test/1",
      "vbscript:x", "https://good.test/2?a=1&b=2", "https://\228\184\173.test", " https://x" } do
      local result = json.encode { url = address, pull_requests = { { url = address } } }
      list[#list + 1] = rows.row { key = "a", state = "done", result = result }
    end
    each_tag(page(list), function(name, attributes)
      if name == "a" then links[attributes.href] = true end
    end)
    for href in pairs(links) do
      assert.is_truthy(href:find "^#run%-%d+$" or href:find "^http://ok%.test/"
        or href:find "^[hHTPStps]+://good%.test/%d", href)
    end
    assert.is_true(links["HTTPS://good.test/1"])
    assert.is_true(links["https://good.test/2?a=1&amp;b=2"])
  end)

  it("names pull requests by their addresses, not by what the service calls them", function()
    local written = page { rows.row { key = "a", state = "done", result = [[{"pull_requests":[
      {"url":"https://evil.test/x/pull/1","repository":"owner/trusted","number":5},
      {"url":"https://gitlab.com/group/sub/project/-/merge_requests/3"},
      {"url":"https://bitbucket.org/o/r/pull-requests/4"}, {"url":"https://service.test/other"}]}]] } }
    for _, name in ipairs { "evil.test/x#1", "group/sub/project#3", "o/r#4", "service.test/other" } do
      assert.matches("<bdi>" .. name .. "</bdi>", written, 1, true)
    end
    assert.is_nil(written:find "trusted")
  end)

  it("holds no control characters and no marks of direction, and is well-formed", function()
    local written = page(rows.hostile(), rows.HOSTILE[7])
    assert.equal(text.well_formed(written), written)
    assert.is_nil(written:find "[%z\1-\8\11-\31\127]")
    assert.is_nil(written:find "\194[\128-\159]")
    assert.is_nil(written:find "\226\128[\142\143\168-\174]")
    assert.is_nil(written:find "\226\129[\166-\169]")
  end)

  it("allows its own style sheet and script by their hashes, and nothing else", function()
    local written = page {}
    assert.matches("content=\"default-src 'none'; style-src '" .. style.HASH .. "'; script-src '" .. script.HASH
      .. "'; base-uri 'none'; form-action 'none'\"", written, 1, true)
    assert.equal(style.CSS, written:match "<style>(.-)</style>")
    assert.equal(script.JAVASCRIPT, written:match "<script>(.-)</script>")
    for name, case in pairs { style = { style.CSS, style.HASH }, script = { script.JAVASCRIPT, script.HASH } } do
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write(case[1])
      file:close()
      local pipe = assert(io.popen(("openssl dgst -sha256 -binary '%s' | base64"):format(path)))
      local hash = pipe:read "*l"
      pipe:close()
      os.remove(path)
      assert.equal("sha256-" .. hash, case[2], name .. ".lua needs this hash")
    end
  end)

  it("loads nothing: there is no address in its style sheet and script", function()
    for _, code in ipairs { style.CSS, script.JAVASCRIPT } do
      assert.is_nil(code:find "https?:" or code:find "url%(" or code:find "@import" or code:find "//%w" or
        code:find "fetch" or code:find "innerHTML")
    end
  end)

  it("folds long answers, and cuts very long ones", function()
    local answer = ("word "):rep(100)
    local written = page { rows.row { key = "a", state = "done", result = '{"answer":"' .. answer .. '"}' } }
    assert.matches("<details><summary>", written, 1, true)
    written = page { rows.row { key = "a", state = "failed", error = ("\195\188"):rep(100000) } }
    assert.is_true(#written < 40000)
    assert.matches(" …</p>", written, 1, true)
  end)

  it("of an empty fleet says so", function()
    assert.matches("This fleet has no items yet", page({}, "empty"), 1, true)
    assert.is_nil(page({}):find "<table")
  end)

  it("has all of 10,000 runs", function()
    local written = page(rows.many(10000))
    assert.equal(10000, select(2, written:gsub('<tr id="run', "")))
  end)

  it("writes the same in every locale", function()
    local before, expected = os.setlocale(), page(rows.many(50))
    os.setlocale "de_DE.UTF-8"
    local written = page(rows.many(50))
    os.setlocale(before)
    assert.equal(expected, written)
  end)
end)

