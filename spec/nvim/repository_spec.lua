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
