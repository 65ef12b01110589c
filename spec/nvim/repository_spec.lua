-- What git says of a repository that comes from anywhere: nothing that it names is run.
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"

if not child.can_run() then return end

describe("a repository whose configuration names programs", function()
  it("runs none of them", function()
    local directory, remove = files.directory()
    os.execute(([[cd %s && exec >/dev/null 2>&1 && git init -q -b main . && git config user.email a@b.invalid &&
      git config user.name a && git remote add origin git@github.com:owner/it.git &&
      echo '*.txt filter=own' >.gitattributes && echo one >a.txt && git add . && git commit -qm first &&
      echo two >a.txt && printf '#!/bin/sh\necho "$0 $*" >>%s/ran\ncat\n' >own && chmod +x own && mkdir hooks &&
      cp own hooks/post-index-change && git config core.hooksPath hooks && git config filter.own.clean %s/own &&
      git config filter.own.required true && git config core.fsmonitor %s/own]]):format(directory, directory, directory,
      directory))
    local output = child.said(("local child = start(%q)"):format(child.plugin_line) .. [[
      child "require 'openhands.nvim.repository'.find(vim.fn.getcwd(), function(found) it = found end)"
      await(child, "return it ~= nil")
      say(child "return it.repository", child "return it.remark")
    ]], { directory = directory })
    local ran = io.open(directory .. "/ran")
    local what = ran and ran:read "*a"
    if ran then ran:close() end
    remove()
    assert.matches("owner/it", output)
    assert.matches("changes that were not committed", output)
    assert.is_nil(what)
  end)
end)

describe("a remote of a repository", function()
  it("is one where the library knows its address", function()
    local directory, remove = files.directory()
    os.execute(("cd %s && git init -q . && git remote add origin x"):format(directory))
    local lines = { ("local child = start(%q)"):format(child.plugin_line), [[
      local function found_for(remote)
        child("vim.fn.system { 'git', 'remote', 'set-url', 'origin', ... }", remote)
        child "it = nil; require 'openhands.nvim.repository'.find(vim.fn.getcwd(), function(found) it = found end)"
        await(child, "return it ~= nil")
        say(remote .. " -> " .. child "return it.repository or 'none'")
      end]] }
    local cases = {
      { "git@github.com:owner/it.git", "git@github.com:owner/it" },
      { "https://user:word@github.com/owner/it.git/", "https://github.com/owner/it" },
      { "ssh://git@git.example.com:22/group/sub/it", "ssh://git.example.com:22/group/sub/it" },
      { "https://github.com/owner" }, { "git@github.com:it.git" }, { "host:owner/it" }, { "file:///srv/owner/it" },
      { "/srv/owner/it" }, { "../owner/it" }, { "owner/it" },
    }
    for _, case in ipairs(cases) do lines[#lines + 1] = ("found_for %q"):format(case[1]) end
    local output = child.said(table.concat(lines, "\n"), { directory = directory })
    remove()
    for _, case in ipairs(cases) do
      assert.matches(("%s -> %s\n"):format(case[1], case[2] or "none"), output .. "\n", 1, true)
    end
  end)
end)
