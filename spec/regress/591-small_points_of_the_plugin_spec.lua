-- The plugin started a paid conversation outside of git without a repository and hardly said so; the cursor of the
-- board began on the heading, where no key has an effect; the message about a missing key was cut before it said what
-- to do, and waited for a key, because it was the second at once.
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"
local json = require "cjson"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a start from Neovim without a repository", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said

  it("says so, and how to name one, outside of git and without a remote", function()
    local program = [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "the agent has no repository"
      say(messages())
    ]]
    assert.matches("the agent has no repository: no git repository was found for [^\n]+; name one with "
      .. "repository=owner/name\n", said(program))
    local directory, remove = files.directory()
    os.execute(("cd '%s' && git init -q . >/dev/null 2>&1"):format(directory))
    local output = said(program, { directory = directory })
    remove()
    assert.matches("the agent has no repository: the git repository [^\n]+ has no remote that the service can reach",
      output)
    assert.is_nil(json.decode(service.server:starts()[1].body).selected_repository)
  end)

  it("says nothing of it if that was asked for", function()
    local output = said [[
      child "vim.cmd 'OpenHands start repository= Fix the typo.'"
      told "has finished"
      child "require 'openhands.nvim'.setup { interval = 0.02, repository = false }"
      child "vim.cmd 'messages clear | OpenHands start Fix the other typo.'"
      told "has finished"
      child "vim.cmd 'OpenHands log'"
      say(text())
    ]]
    assert.matches("started without a repository", output)
    assert.is_nil(output:find("the agent has no repository", 1, true))
  end)
end)

describe("the cursor of the board", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  it("is on the first conversation, and stays where the user puts it", function()
    local output = service.said [[
      child [=[
        function note(letter)
          require("openhands.nvim.conversations").note {
            conversation_id = letter:rep(32), title = "Fix " .. letter, state = "running", settled = false,
            pull_requests = {}, url = "http://127.0.0.1/", created_at = "2026-01-01",
          }
        end
        vim.cmd "OpenHands board"
        vim.cmd "redraw"
        note "a"
      ]=]
      await(child, "return vim.fn.search('^1 conversation', 'nw') > 0")
      say(child "return vim.fn.getline '.'")
      child "vim.api.nvim_win_set_cursor(0, { 1, 0 }) note 'b'"
      await(child, "return vim.fn.search('^2 conversations', 'nw') > 0")
      say(unpack(child "return vim.api.nvim_win_get_cursor(0)"))
      child "vim.cmd 'close' vim.cmd 'OpenHands board'"
      say(child "return vim.fn.getline '.'")
    ]]
    assert.matches("^running +[^\n]*Fix a[^\n]*\n1 0\nrunning +[^\n]*Fix [ab]", output)
  end)
end)

describe("the message about a missing key", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  it("is whole on a command line of 80 columns; the log has more", function()
    local output = service.said([[
      vim.rpcrequest(channel, "nvim_ui_attach", 80, 24, {})
      child "vim.o.columns = 80 vim.cmd 'OpenHands start Not this.'"
      assert(vim.wait(60000, function()
        assert(not vim.rpcrequest(channel, "nvim_get_mode").blocking, "it waits for a key")
        return messages():find "key" ~= nil
      end, 5))
      say(messages())
      child "vim.cmd 'OpenHands log'"
      say(text())
    ]], { environment = { OPENHANDS_API_KEY = "" } })
    assert.matches("\nOpenHands: no API key is set; see :checkhealth openhands\n", output)
    assert.matches("\n%d%d:%d%d:%d%d OpenHands: start: there is no API key", output)
    assert.equal(0, #service.server:starts())
  end)
end)
