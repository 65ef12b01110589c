-- The pages of the documentation: README.md, CONTRIBUTING.md, SECURITY.md and doc/*.md.
local lfs = require "lfs"
local files = require "spec.support.files"

local M = {}

--- Returns the paths of all pages, README.md first.
---@return string[]
function M.pages()
  local list = {}
  for name in lfs.dir "doc" do
    if name:find "%.md$" then
      list[#list + 1] = "doc/" .. name
    end
  end
  table.sort(list)
  for place, path in ipairs { "README.md", "CONTRIBUTING.md", "SECURITY.md" } do
    table.insert(list, place, path)
  end
  return list
end

-- Appends the snippets of one page to a list.
local function collect(page, list)
  local patterns, code, opened, line = {}, nil, nil, 0
  for text in files.read(page):gmatch "([^\n]*)\n" do
    line = line + 1
    if code and text:find "^```" then
      list[#list + 1] = { page = page, line = opened, code = table.concat(code, "\n") .. "\n", patterns = patterns }
      patterns, code = {}, nil
    elseif code then
      code[#code + 1] = text
    elseif text == "```lua" then
      code, opened = {}, line
    elseif text:find "^```" then -- patterns above a block of another kind are not for the next snippet
      patterns = {}
    elseif text:find "^<!%-%- prints: " then
      patterns[#patterns + 1] = text:match("^<!%-%- prints: (.*) %-%->$"):gsub("\\([nt])", { n = "\n", t = "\t" })
    end
  end
end

--- A block of Lua that is run.
---@class spec.Snippet
---@field page string path of its page
---@field line integer at which it opens
---@field code string
---@field patterns string[] that its output must match

--- Returns all snippets that are run, those of README.md first.
---@return spec.Snippet[]
function M.snippets()
  local list = {}
  for _, page in ipairs(M.pages()) do
    collect(page, list)
  end
  return list
end

return M
