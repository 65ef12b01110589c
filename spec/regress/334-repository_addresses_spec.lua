-- The address of a repository, as a browser or git shows it, was sent in place of its name, and the service refused it.

local cjson = require "cjson"
local repositories = require "openhands.api.repository"
local in_process = require "spec.support.in_process"

describe("a repository", function()
  it("is given by its name or its address", function()
    for address, expected in pairs {
      ["o/r"] = "o/r nil",
      ["group/sub/r"] = "group/sub/r nil",
      ["o/r.git"] = "o/r.git nil",
      ["https://github.com/o/r"] = "o/r github",
      ["https://github.com/o/r.git"] = "o/r github",
      ["https://github.com/o/r/"] = "o/r github",
      ["https://github.com/o/r.git/"] = "o/r github",
      ["http://www.GitHub.com/o/r.js?tab=readme#top"] = "o/r.js github",
      ["https://token:x@github.com/o/r"] = "o/r github",
      ["github.com/o/r"] = "o/r github",
      ["git@github.com:o/r.git"] = "o/r github",
      ["ssh://git@github.com/o/r.git"] = "o/r github",
      ["ssh://git@github.com:22/o/r.git"] = "o/r github",
      ["git://github.com/o/r.git"] = "o/r github",
      ["https://gitlab.com/group/sub/r"] = "group/sub/r gitlab",
      ["git@gitlab.com:group/sub/r.git"] = "group/sub/r gitlab",
      ["https://bitbucket.org/o/r"] = "o/r bitbucket",
      ["https://codeberg.org/o/r"] = "o/r forgejo",
      ["https://dev.azure.com/org/project/_git/r"] = "org/project/r azure_devops",
      ["git@ssh.dev.azure.com:v3/org/project/r"] = "org/project/r azure_devops",
      ["https://org.visualstudio.com/project/_git/r"] = "org/project/r azure_devops",
      ["https://Org.VisualStudio.com/DefaultCollection/project/_git/r"] = "org/project/r azure_devops",
      ["org@vs-ssh.visualstudio.com:v3/org/project/r"] = "org/project/r azure_devops",
      ["https://git.example.com:8443/o/r.git"] = "o/r nil",
      ["git@git.example.com:o/r.git"] = "o/r nil",
    } do
      local name, provider = repositories.take_apart(address)
      assert.equal(expected, tostring(name) .. " " .. tostring(provider), address)
    end
  end)

  it("is neither a page within one nor a host alone", function()
    for _, address in ipairs {
      "https://github.com", "https://github.com/", "https://github.com/o", "https://github.com/o/r/tree/main",
      "https://github.com/o/r/pull/7", "https://gitlab.com/o/r/-/merge_requests/1", "https://github.com/o/..",
      "https://github.com/o/a b", "git@github.com:r.git", "https://dev.azure.com/org/project",
      "https://org.visualstudio.com/project", "https://org.visualstudio.com/a/project/_git/r",
    } do
      assert.is_nil((repositories.take_apart(address)), address)
    end
  end)

  local function sent_with(api, fields)
    local sent
    local client = in_process.scripted(function(request)
      sent = request
      return in_process.json("{}", 400)
    end, { api = api })
    client:start(fields)
    client:close()
    return cjson.decode(sent.body)
  end

  it("goes to the service by its name, with the provider where that is known", function()
    local address = "https://gitlab.com/o/r.git"
    local fields = { initial_user_msg = "x", repository = address }
    local body = sent_with("v1", fields)
    assert.same({ "o/r", "gitlab" }, { body.selected_repository, body.git_provider })
    assert.same({ initial_user_msg = "x", repository = address }, fields)
    body = sent_with("v1", { initial_user_msg = "x", selected_repository = address, git_provider = "forgejo" })
    assert.same({ "o/r", "forgejo" }, { body.selected_repository, body.git_provider })
    body = sent_with("v0", fields)
    assert.same({ "o/r", "gitlab" }, { body.repository, body.git_provider })
    body = sent_with("v1", { initial_user_msg = "x", repository = "git@git.example.com:o/r" })
    assert.same({ "o/r" }, { body.selected_repository, body.git_provider })
  end)

  it("that is none is refused, with the caller's line and without secrets of the address", function()
    local client, requests = in_process.scripted(function() return in_process.json "{}" end, { api = "v1" })
    local fields = { initial_user_msg = "x", repository = "https://user:S3CRET@github.com/o/r/tree/main" }
    for _, call in ipairs {
      function() client:start(fields) end,
      function() client:run(fields) end,
      function() client:update("7f3b9a1c2d4e4f60a1b2c3d4e5f60718", { repository = fields.repository }) end,
    } do
      local good, problem = pcall(call)
      assert.is_false(good)
      assert.matches("334-repository_addresses_spec", problem, 1, true)
      assert.matches("'repository' is not the address of a repository: give \"owner/name\"", problem, 1, true)
      assert.is_nil(problem:find("S3CRET", 1, true))
    end
    assert.equal(0, #requests)
    client:close()
  end)

  it("may be an address wherever one is named", function()
    local sent = {}
    local client = in_process.scripted(function(request)
      sent[#sent + 1] = request.path .. "?" .. request.query .. request.body:gsub("\\/", "/")
      return in_process.json '{"items":[]}'
    end, { api = "v1" })
    client:update("7f3b9a1c2d4e4f60a1b2c3d4e5f60718", { repository = "https://github.com/o/r" })
    local branches = { provider = "github", repository = "https://github.com/o/r", query = "" }
    assert(client.git:branches(branches):all())
    client:close()
    assert.matches('"selected_repository":"o/r"', sent[1], 1, true)
    assert.matches('"git_provider":"github"', sent[1], 1, true)
    assert.matches("repository=o%2Fr", sent[2], 1, true)
  end)
end)
