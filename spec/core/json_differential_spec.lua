-- The reader of answers beside lua-cjson: the same value for every text that both read. DOCUMENTS=… in the environment
-- says for how many; `make differential` takes a million.

local lfs = require "lfs"

local differential = require "spec.support.json_differential"
local files = require "spec.support.files"

local FOLDER = "../shared/api/examples"
local COUNT = tonumber(os.getenv "DOCUMENTS") or 6000

local function examples()
  local names, texts = {}, {}
  if lfs.attributes(FOLDER, "mode") ~= "directory" then return texts end
  for name in lfs.dir(FOLDER) do
    if name:find "%.json$" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do texts[i] = files.read(FOLDER .. "/" .. name) end
  return texts
end

describe("the reader of answers reads what lua-cjson reads", function()
  it("of the example bodies", function()
    local texts = examples()
    if #texts == 0 then return pending("needs " .. FOLDER) end
    assert.same({ same = #texts }, differential.run(texts, 0))
  end)

  it("of texts that are nearly JSON", function()
    local tally = differential.run(examples(), COUNT)
    for _, outcome in ipairs {
      "same", "refused", "bad UTF-8", "a control character in a string", "a number that JSON does not have",
      "half a pair of surrogates",
    } do
      assert(tally[outcome] or COUNT < 1000, outcome)
    end
    if COUNT > 100000 then
      for outcome, count in pairs(tally) do io.write(("%9d %s\n"):format(count, outcome)) end
    end
  end)
end)
