-- `make release`, in a repository of its own that holds what is checked out here.
local lfs = require "lfs"

local root = lfs.currentdir()
local repository

local function run(command)
  local shell = assert(io.popen(("cd '%s' && (%s) 2>&1; echo exit $?"):format(repository, command)))
  local output = shell:read "*a"
  shell:close()
  return output
end

local function contents(path)
  local file = assert(io.open(repository .. "/" .. path))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(repository .. "/" .. path, "w"))
  file:write(text)
  file:close()
end

local function commit(message)
  assert.matches("exit 0\n$", run(("git add --all && git commit --quiet -m '%s'"):format(message)))
end

local version = assert(io.open "src/lua/version.h"):read("*a"):match '#define OH_VERSION "(.-)"'
local rockspec = ("openhands-%s-1.rockspec"):format(version)

local changelog = [[
# Changelog

## [Unreleased]

### Added

- A first thing.

[Unreleased]: https://github.com/openhands-lua/openhands/commits/main
]]

describe("make release", function()
  local shell = assert(io.popen "command -v git")
  local has_git = shell:read "*l" ~= nil
  shell:close()
  if not has_git then
    it("needs git", function()
      pending "git is not installed"
    end)
    return
  end

  before_each(function()
    repository = os.tmpname()
    os.remove(repository)
    assert(lfs.mkdir(repository))
    assert.matches("exit 0\n$", run(([[
      cp -R '%s'/src '%s'/lua '%s'/tools '%s'/openhands-scm-1.rockspec '%s'/.gitignore . &&
      git init --quiet && git config user.name Somebody && git config user.email somebody@example.org]]):gsub(
      "%%s",
      (root:gsub("%%", "%%%%"))
    )))
    write("CHANGELOG.md", changelog)
    commit "Everything"
  end)

  after_each(function()
    run "rm -rf -- \"$PWD\""
  end)

  -- Nothing is released: the checkout and its history are as they were.
  local function assert_refused(reason)
    local before = run "git rev-parse HEAD && git tag && git status --porcelain"
    local output = run "tools/release.sh"
    assert.matches("exit 1\n$", output)
    assert.matches(reason, output)
    assert.equal(before, run "git rev-parse HEAD && git tag && git status --porcelain")
  end

  it("makes the changelog's section, the rockspec, the commit and the tag", function()
    local output = run "tools/release.sh"
    assert.matches("exit 0\n$", output)
    assert.matches("released " .. version:gsub("%p", "%%%0"), output)
    assert.equal("exit 0\n", run "git status --porcelain")
    assert.matches("^v" .. version:gsub("%p", "%%%0") .. "\n", run "git describe --exact-match HEAD")
    local text = contents "CHANGELOG.md"
    assert.is_truthy(text:find(("## [Unreleased]\n\n## [%s] - 20"):format(version), 1, true))
    local compared = ("[Unreleased]: https://github.com/openhands-lua/openhands/compare/v%s...HEAD\n"):format(version)
    assert.is_truthy(text:find(compared, 1, true))
    assert.is_truthy(text:find(("[%s]: https://github.com/"):format(version), 1, true))
    assert.is_nil(text:find("commits/main", 1, true))
  end)

  it("writes a rockspec that differs from the scm one in version and tag alone, and lists every file", function()
    run "tools/release.sh"
    local expected = contents("openhands-scm-1.rockspec")
      :gsub('version = "scm%-1"', ('version = "%s-1"'):format(version))
      :gsub('%.git" }', ('.git", tag = "v%s" }'):format(version), 1)
    assert.equal(expected, contents(rockspec))
    assert.equal("exit 0\n", run("$(tools/lua.sh first) tools/rockspec.lua " .. rockspec))
  end)

  it("packs a rock from the tag where LuaRocks is installed, and says so where it is not", function()
    local output = run "tools/release.sh"
    if run "command -v luarocks >/dev/null" == "exit 0\n" then
      assert.matches("packed build/release/openhands", output)
      local rock = ("build/release/openhands-%s-1.src.rock"):format(version)
      assert.is_truthy(lfs.attributes(repository .. "/" .. rock))
    else
      assert.matches("SKIPPED: luarocks", output)
    end
  end)

  it("compares with the release before, where there is one", function()
    run "git tag -a -m old v0.0.1"
    run "tools/release.sh"
    local link = ("compare/v0.0.1...v%s\n"):format(version)
    assert.is_truthy(contents("CHANGELOG.md"):find(link, 1, true))
  end)

  it("takes a section that is already written for the version", function()
    local heading = ("[Unreleased]\n\n## [%s] - 2026-01-02\n"):format(version)
    write("CHANGELOG.md", (changelog:gsub("%[Unreleased%]\n", heading, 1)))
    commit "The section"
    assert.matches("exit 0\n$", run "tools/release.sh")
    local _, sections = contents("CHANGELOG.md"):gsub("\n## ", "")
    assert.equal(2, sections)
  end)

  it("refuses changes that are not committed", function()
    write("CHANGELOG.md", changelog .. "\n")
    assert_refused "changes that are not committed:\n M CHANGELOG%.md"
  end)

  it("refuses files that git does not know", function()
    write("src/new.c", "")
    assert_refused "not committed:\n%?%? src/new%.c"
  end)

  it("refuses a changelog that says nothing of the version", function()
    write("CHANGELOG.md", (changelog:gsub("%- A first thing%.\n", "")))
    commit "Nothing"
    assert_refused "no section for "
  end)

  it("refuses entries that neither section would hold", function()
    local section = ("## [%s] - 2026-01-02\n\n- A second.\n\n%%0"):format(version)
    write("CHANGELOG.md", (changelog:gsub("%[Unreleased%]: ", section)))
    commit "Two sections"
    assert_refused "entries under Unreleased"
  end)

  it("refuses a tag that exists", function()
    run(("git tag -a -m again v%s"):format(version))
    assert_refused "exists: raise the version"
  end)

  it("refuses a version that is not three numbers", function()
    write("src/lua/version.h", '#define OH_VERSION "0.2"\n')
    commit "A version"
    assert_refused "not three numbers"
  end)

  it("releases nothing when the rockspec lacks a file", function()
    write("lua/openhands/new.lua", "return {}\n")
    commit "A file that is not listed"
    assert_refused "lua/openhands/new%.lua is not listed"
  end)

  it("releases nothing when the scm rockspec is not as expected", function()
    local scm = contents "openhands-scm-1.rockspec"
    write("openhands-scm-1.rockspec", (scm:gsub('version = "scm%-1"', 'version = "scm-2"')))
    commit "Another rockspec"
    assert_refused "not written as expected"
  end)
end)
