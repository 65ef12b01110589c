-- The pull requests of a conversation: listed by the service, or mentioned in its events.

local in_process = require "spec.support.in_process"

local NOBODY = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("the pull requests of a conversation", function()
  local function found(events, repository)
    local client = in_process.scripted(function(request)
      if request.path:find "/events" then
        return in_process.json(('{"items":[%s]}'):format(events))
      end
      local own = repository and ',"git_provider":"github","pr_number":[7],"selected_repository":"' .. repository .. '"'
      return in_process.json(('[{"id":"%s","sandbox_status":"RUNNING"%s}]'):format(NOBODY, own or ""))
    end, { api = "v1" })
    return client:find_pull_requests(NOBODY)
  end

  it("are those that it lists and those that its events speak of, each once", function()
    local events = [[
      {"id":"1","source":"user","text":"like https://github.com/o/r/pull/1"},
      {"id":"2","source":"agent","text":"see https://github.com/o/r/pull/7, https://github.com/O/R/pull/9."},
      {"id":"3","source":"environment","observation":{"content":[{"text":"https://github.com/other/r/pull/2"}]}},
      {"id":"4","source":"environment","observation":{"content":[{"text":"(https://github.com/O/R/pull/9)"}]}}]]
    assert.same({ "https://github.com/o/r/pull/7", "https://github.com/O/R/pull/9" }, found(events, "o/r"))
    assert.same({ "https://github.com/o/r/pull/7" }, found("", "o/r"))
    assert.equal(3, #found(events))
    assert.same({}, found "")
  end)

  it("are those of other hosts too", function()
    local events = '{"id":"1","source":"agent","text":"https://gitlab.example/a/b/c/-/merge_requests/3 '
      .. 'https://bitbucket.org/a/b/pull-requests/4"}'
    assert.same({ "https://gitlab.example/a/b/c/-/merge_requests/3", "https://bitbucket.org/a/b/pull-requests/4" },
      found(events))
  end)

  it("are an error where the events cannot be read", function()
    local links, err = found "7,"
    assert.is_nil(links)
    assert.equal("protocol", err.kind)
  end)
end)
