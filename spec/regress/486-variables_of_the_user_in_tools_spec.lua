-- Some tools ran the library with the key, the settings or the proxies that the user's shell exports: fuzzing with a
-- SESSION_API_KEY, `make oom`, `make prism` and `make tsan` with every OPENHANDS_* variable.

local processes = require "spec.support.processes"

-- Tools that run no client of the library, and those that only other tools run.
local needs_none = {
  ["environment.sh"] = true, ["install.sh"] = true, ["lint.sh"] = true, ["locale.sh"] = true, ["lua.sh"] = true,
  ["release.sh"] = true, ["rock.sh"] = true, ["setup.sh"] = true, ["types.sh"] = true,
}

local function text_of(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function output_of(command)
  local shell = assert(io.popen(command))
  local output = shell:read "*a"
  shell:close()
  return output
end

describe("a tool that runs the library", function()
  it("leaves out the variables of the user's shell", function()
    for path in output_of("ls tools/*.sh"):gmatch "[^\n]+" do
      if not needs_none[path:match "[^/]+$"] then
        local text = text_of(path):gsub("bench_server%.sh", "environment.sh") -- which sources it, too
        assert.is_truthy(text:find("\n%. tools/environment%.sh\n"), path)
      end
    end
  end)

  it("leaves out every variable that the library or libcurl reads", function()
    local names = { "http_proxy", "https_proxy", "all_proxy",
      "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" }
    for name in text_of("lua/openhands/settings.lua"):gmatch '"([A-Z]+_[A-Z_]+)"' do
      if name ~= "SSL_CERT_FILE" then -- tells where the certificates of this machine are
        names[#names + 1] = name
      end
    end
    assert.equal(12, #names)
    local program = ("export %s=x\n. tools/environment.sh\nenv"):format(table.concat(names, "=x "))
    local output = "\n" .. output_of("sh -c " .. processes.quoted(program))
    for _, name in ipairs(names) do
      assert.is_nil(output:find("\n" .. name .. "=", 1, true), name)
    end
  end)
end)
