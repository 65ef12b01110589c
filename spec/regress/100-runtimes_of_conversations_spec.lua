-- Some servers run each conversation in a runtime of its own. Commands, files and git belong in that runtime, but they
-- were handled on the server's own machine.

local calls = require "spec.support.calls"

local PROJECT = "/workspace/project"

describe("a command, a file or git call of an agent server", function()
  local at

  local function serve(settings, kind)
    at = calls.sandbox("execute", settings)
    at.model:configure { conversation_runtime = kind }
    return at.agent
  end

  after_each(function()
    at.client:close()
    os.remove(at.target)
  end)

  -- Returns the paths of the requests after the first `from`, without the prefix of the sandbox.
  local function paths(from)
    local list = {}
    for place = from + 1, #at.model.requests do
      list[#list + 1] = at.model.requests[place].path:gsub("^/runtime/[^/]+", "")
    end
    return list
  end

  local function each(agent)
    assert.equal("hello\n", assert(agent:execute "echo hello").stdout)
    local pieces = {}
    for piece in agent:bash "sleep 2" do pieces[#pieces + 1] = piece.stdout end
    assert.equal("..", table.concat(pieces))
    assert(agent:upload(PROJECT .. "/a.txt", "a"))
    assert.equal(1, assert(agent:download(PROJECT .. "/a.txt", at.target)).bytes)
    assert(agent:archive(PROJECT, at.target))
    assert(agent:archive({ path = PROJECT, format = "tar.gz", exclude = { "*.o", "*.a" } }, at.target))
    assert(agent:download_trajectory(at.target))
    assert(agent:create_directory(PROJECT .. "/b"))
    assert.is_true(#assert(agent:changes(PROJECT)) > 0)
    assert(agent:diff { path = PROJECT .. "/README.md", commit = "0123456" })
    assert.equal("0123456", assert(agent:commits(PROJECT)).commits[1].short_sha)
    assert.is_true(#assert(agent:commit_changes("0123456", PROJECT)) > 0)
    assert.is_true(#assert(agent:command_events():all()) > 3)
  end

  local function is_of_sandbox(path)
    return path:find "/bash/" or path:find "/file/" or path:find "/git/"
  end

  it("goes to the server where it does this itself", function()
    local agent = serve({ api = "v1" }, "local")
    local from, of_sandbox = #at.model.requests, 0
    each(agent)
    for _, path in ipairs(paths(from)) do
      if is_of_sandbox(path) then
        of_sandbox = of_sandbox + 1
        assert.matches("^/api/%a+/", path)
        assert.is_nil(path:find("/api/conversations", 1, true))
      end
    end
    assert.is_true(of_sandbox > 12)
  end)

  for what, view in pairs {
    ["of the conversation's runtime where there is one"] = function() return serve({ api = "v1" }, "docker") end,
    ["of the runtime where the caller says so"] = function() return serve({ api = "v1" }, "local").runtime end,
  } do
    it("is asked " .. what, function()
      local agent = view()
      local from, of_sandbox = #at.model.requests, 0
      each(agent)
      for _, path in ipairs(paths(from)) do
        if is_of_sandbox(path) then
          of_sandbox = of_sandbox + 1
          assert.equal(path:match "^/api/conversations/(%x+%-%x+%-%x+%-%x+%-%x+)/%a+/" ~= nil, true, path)
        end
      end
      assert.is_true(of_sandbox > 12)
    end)
  end

  it("needs one request to find out where it belongs, and none where nothing depends on it", function()
    local agent = serve({ api = "v1" }, "docker")
    local from = #at.model.requests
    assert(agent:info())
    assert(agent:event_count())
    assert(agent.runtime:execute "true")
    for _, path in ipairs(paths(from)) do assert.not_equal("/server_info", path) end
    from = #at.model.requests
    for _ = 1, 3 do assert(agent:execute "true") end
    local asked = 0
    for _, path in ipairs(paths(from)) do asked = asked + (path == "/server_info" and 1 or 0) end
    assert.equal(1, asked)
  end)

  it("is not sent while it is unknown where it belongs", function()
    local agent = serve({ api = "v1", retries = 0 }, "docker")
    at.transport.faults = { { point = "before", class = "connect", match = { path = "/server_info$" }, count = 9 } }
    local from = #at.model.requests
    local output, err = agent:execute "true"
    assert.is_nil(output)
    assert.same({ "connect", "execute", "none" }, { err.kind, err.operation, err.effect })
    for _, path in ipairs(paths(from)) do assert.is_nil(path:find("execute", 1, true)) end
  end)

  it("goes to the server itself where an old server does not tell", function()
    local agent = serve({ api = "v1" }, "local")
    local request = at.transport.request
    at.transport.request = function(self, sent)
      if sent.path:find "/server_info$" then
        return { status = 404, headers = { { "Content-Type", "application/json" } }, body = '{"detail":"Not Found"}' }
      end
      return request(self, sent)
    end
    assert.equal(0, assert(agent:execute "true").exit_code)
  end)

  it("ends when it is stopped", function()
    local agent = serve({ api = "v1" }, "local")
    local pieces = agent:bash "sleep 60"
    assert(pieces:next())
    assert.is_true(assert(agent:stop_command(pieces.command_id)).success)
    local last
    for piece in pieces do last = piece end
    assert.equal(-15, last.exit_code)
  end)
end)

describe("a conversation of an agent server", function()
  local at

  before_each(function() at = calls.sandbox("info", { api = "v1" }) end)
  after_each(function() at.client:close() end)

  it("can be forked, and messages go to the fork", function()
    local other = assert(at.agent:fork { title = "Another way", tags = { why = "test" } })
    assert.equal("Another way", other.title)
    assert.not_equal(assert(at.agent:info()).id, other.id)
    assert.same({ why = "test" }, other.tags)
    assert.equal(2, #assert(at.agent:list():all()))
  end)

  it("takes tags, a policy and another model", function()
    assert(at.agent:update { tags = { team = "docs" } })
    assert(at.agent:update "Docs")
    assert(at.agent:set_confirmation_policy "AlwaysConfirm")
    assert(at.agent:set_security_analyzer { kind = "LLMSecurityAnalyzer" })
    assert(at.agent:switch_llm { model = "local-model" })
    local info = assert(at.agent:info())
    assert.same({ { team = "docs" }, "Docs", "AlwaysConfirm", "LLMSecurityAnalyzer", "local-model" },
      { info.tags, info.title, info.confirmation_policy.kind, info.security_analyzer.kind, info.agent.llm.model })
    assert(at.agent:set_confirmation_policy { kind = "NeverConfirm" })
    assert.equal("NeverConfirm", assert(at.agent:info()).confirmation_policy.kind)
    assert.equal("available", assert(at.agent.runtime:info()).runtime_status)
  end)

  it("returns several events by their ids", function()
    local all = assert(at.agent:events():all())
    local found = assert(at.agent:event_batch { all[1].id, "nobody", all[3].id })
    assert.same({ all[1], nil, all[3] }, { found[all[1].id], found.nobody, found[all[3].id] })
    assert.same({}, at.agent:event_batch {})
    assert.same(all[2], assert(at.agent:event_batch(all[2].id))[all[2].id])
  end)
end)
