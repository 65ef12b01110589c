-- A report took the place of an earlier one that only its owner could read; the new one could be read by all.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

describe("a report in place of another file", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("has its permissions", function()
    local path, report = here.directory .. "/f.csv", here.directory .. "/it's.json"
    files.write(path, "key,message\na,Fix.\n")
    here.output("fleet add " .. path)
    files.write(report, "old")
    for _, mode in ipairs { "600", "640" } do
      os.execute(("chmod %s %s"):format(mode, processes.quoted(report)))
      here.output(("fleet report f -o %s"):format(processes.quoted(report)))
      local shell = assert(io.popen("ls -l " .. processes.quoted(report)))
      local shown = shell:read "*l"
      shell:close()
      assert.equal(mode == "600" and "-rw-------" or "-rw-r-----", shown:sub(1, 10))
      assert.matches('^{"fleet":"f"', files.read(report))
    end
  end)
end)
