-- The command ended with 0 although its output could not be written: on a full disk, or to a closed stream. Where a
-- parent ignores SIGPIPE, it went on although nobody read what it wrote.
local commands = require "spec.support.command"
local outputs = require "openhands.command_line.output"

describe("standard output that cannot be written", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  local full = io.open("/dev/full", "w")
  if full then full:close() end
  local where_full = full and it or function() end

  -- Returns what the command wrote to stderr, and its status.
  local function run(words, target)
    local pipe = assert(io.popen(("{ %s %s; } 2>&1; echo exit $?"):format(here.shell(words), target)))
    local text = pipe:read "*a"
    pipe:close()
    return text:match "^(.*)exit (%d+)\n$"
  end

  where_full("is told, and ends with 1", function()
    for _, words in ipairs { "--version", "start --help", "completion bash", "doctor" } do
      local errors, status = run(words, ">/dev/full")
      assert.equal("1", status, words)
      assert.matches("^openhands%-lua: standard output cannot be written: [^\n]+\n$", errors)
    end
  end)

  where_full("leaves the id of a start on standard error", function()
    for _, format in ipairs { "", "--json " } do
      local errors, status = run(format .. "-q start x --repo a/b", ">/dev/full")
      assert.equal("1", status)
      assert.matches("\nopenhands%-lua: the conversation that was started: %x+%-[%x-]+\n$", errors)
    end
  end)

  it("is no socket when it is closed", function()
    here.service:reset()
    local errors, status = run("list", ">&-")
    assert.same({ "", "0" }, { errors, status }) -- there is nothing to write
    errors, status = run("status " .. here.output "-q start x", ">&-")
    assert.equal("1", status)
    assert.matches("^openhands%-lua: standard output cannot be written: [^\n]+\n$", errors)
  end)

  it("ends the command at once if nobody reads it", function()
    local output, kept = outputs.new "plain", io.stdout
    local said = {}
    output.write_error = function(_, text) said[#said + 1] = text end
    rawset(io, "stdout", { write = function() return nil, "Broken pipe", 32 end })
    local _, problem = pcall(output.line, output, "text")
    rawset(io, "stdout", kept)
    assert.equal(outputs.ENDED, problem)
    assert.same({ "openhands-lua: standard output cannot be written: Broken pipe\n" }, said)
  end)
end)
