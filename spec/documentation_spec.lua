-- The pages for users and contributors name what exists: files, functions, links, settings, fields of a start.
local core = require "openhands.core"
local documentation = require "spec.support.documentation"
local files = require "spec.support.files"
local lfs = require "lfs"

local MOST_LINES = 250 -- of README.md

local function exists(path) return lfs.attributes(path, "mode") ~= nil end

-- A page without its blocks of code.
local function prose(page)
  return (("\n" .. files.read(page)):gsub("\n```.-\n```", ""))
end

-- Where a link of a page leads to, seen from the root of the repository.
local function target_of(page, link)
  local folder = page:match "^(.*/)" or ""
  local path = folder .. link
  repeat
    local shorter = path:gsub("[^/]+/%.%./", "", 1)
    local is_same = shorter == path
    path = shorter
  until is_same
  return path
end

-- The anchors of a page, as GitHub derives them from headings.
local function anchors_of(page)
  local anchors = {}
  for heading in prose(page):gmatch "\n#+ ([^\n]+)" do
    anchors[core.lower(heading):gsub("[^%w%-_ ]", ""):gsub(" ", "-")] = true
  end
  return anchors
end

-- Everything between single backticks.
local function each_name(page)
  return prose(page):gmatch "`([^`\n]+)`"
end

-- A name with a slash and an extension, a directory, or a file of Lua. Placeholders are in capitals.
local function is_path(name)
  return not name:find "%u%u%u" and (name:find "^[%w_%-./]+/[%w_%-.]*%.%l+$" or name:find "^[%w_%-./]+/$"
    or name:find "^[%w_%-]+%.lua$") and not name:find "^/" and name ~= "program.lua"
end

-- Names may be relative to one of these.
local roots = { "", "lua/openhands/", "src/" }

local function is_there(name)
  for _, root in ipairs(roots) do
    if exists(root .. name) then
      return true
    end
  end
  return false
end

-- All code of the library and its tools, in one text.
local function code()
  local pieces = {}
  local function visit(folder)
    for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if name:find "^%." then
        pieces[#pieces + 1] = ""
      elseif lfs.attributes(path, "mode") == "directory" then
        visit(path)
      elseif name:find "%.[chl]u?a?$" or name:find "%.sh$" then
        pieces[#pieces + 1] = files.read(path)
      end
    end
  end
  for _, folder in ipairs { "src", "lua", "tools", "spec/support", "spec/c" } do
    visit(folder)
  end
  return table.concat(pieces, "\n")
end

describe("the pages", function()
  for _, page in ipairs(documentation.pages()) do
    local is_for_contributors = page == "CONTRIBUTING.md"
    for _, name in ipairs { "architecture", "polling", "start-protocol", "adding-an-operation" } do
      is_for_contributors = is_for_contributors or page == "doc/" .. name .. ".md"
    end

    it(page .. " has links that lead somewhere", function()
      for link in prose(page):gmatch "%]%(([^)]+)%)" do
        if not link:find "^%a+:" then
          local path, anchor = link:match "^([^#]*)#?(.*)$"
          local target = path == "" and page or target_of(page, path)
          assert.is_true(exists(target), ("%s links to %s"):format(page, link))
          if anchor ~= "" then
            assert.is_true(anchors_of(target)[anchor], ("%s links to %s"):format(page, link))
          end
        end
      end
    end)

    if is_for_contributors then
      it(page .. " names files that exist", function()
        for name in each_name(page) do
          if is_path(name) and not name:find "^build/" then
            assert.is_true(is_there(name), ("%s names %s"):format(page, name))
          end
        end
      end)

      it(page .. " names functions, types and fields that exist", function()
        local text = code()
        for name in each_name(page) do
          local called = name:match "^[%w_.:]*[.:]([%a_][%w_]*)%(%)$" or name:match "^([%a_][%w_]*)%(%)$"
            or name:match "^struct ([%w_]+)$" or name:match "^[%l.]*%f[%w_]([%a]%w*_[%w_]*)$"
          if called then
            assert.is_truthy(text:find("%f[%w_]" .. called .. "%f[^%w_]"), ("%s names %s"):format(page, name))
          end
        end
      end)
    end
  end

  it("have a README.md for users of at most 250 lines", function()
    local _, lines = files.read("README.md"):gsub("\n", "")
    assert.is_true(lines <= MOST_LINES, lines .. " lines")
  end)

  it("say what each file of the core is", function()
    local text = files.read "doc/architecture.md"
    for path in files.read("openhands-scm-1.rockspec"):gmatch '"(src/[%w_/]+%.c)"' do
      assert.is_truthy(text:find("`" .. path .. "`", 1, true), path .. " is not in doc/architecture.md")
    end
  end)

  it("link every page of doc/ from README.md", function()
    local text = files.read "README.md"
    for _, page in ipairs(documentation.pages()) do
      if page ~= "README.md" then
        assert.is_truthy(text:find("](" .. page, 1, true), page .. " is not linked")
      end
    end
  end)

  it("list every field of a start", function()
    local text = files.read "doc/starting.md"
    for _, row in ipairs(core.operations()) do
      if row.name == "start" then
        for _, field in ipairs(row.fields) do
          assert.is_truthy(text:find("`" .. field.name .. "`", 1, true), field.name)
        end
      end
    end
  end)

  it("list every setting", function()
    local text = files.read "doc/settings.md"
    local annotated = files.read("lua/openhands/settings.lua"):match "@class openhands.Settings\n(.-)\n\n"
    local count = 0
    for name in annotated:gmatch "%-%-%-@field ([%w_]+)" do
      count = count + 1
      assert.is_truthy(text:find("\n| `" .. name .. "`", 1, true) or text:find("`" .. name .. "`", 1, true), name)
    end
    assert.is_true(count > 15)
  end)
end)
