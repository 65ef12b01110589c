-- A new user's way: an empty configuration, the plugin's line, `:OpenHands start`, and what comes of it.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"
local json = require "cjson"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("the plugin", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said

  -- The bodies of the starts that the service has accepted, and the text of one's task.
  local function bodies()
    local list = {}
    for place, start in ipairs(service.server:starts()) do list[place] = json.decode(start.body) end
    return list
  end
  local function task_of(body) return body.initial_message.content[1].text end

  it("starts a conversation and tells its end, while the editor goes on", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      say(child "return 'the editor goes on'")
      told "has finished"
      say(messages())
      say(child "return require 'openhands.nvim'.statusline()")
    ]]
    assert.matches("^the editor goes on\n", output)
    assert.matches("OpenHands: started without a repository: http://127.0.0.1:%d+/conversations/%x+", output)
    assert.matches("OpenHands: [^\n]* has finished", output)
    assert.matches("OpenHands: 1 finished\n$", output)
    assert.equal(1, #service.server:starts())
    assert.equal("Fix the typo.", task_of(bodies()[1]))
  end)

  it("takes the selected lines, and the repository and the branch of the file", function()
    local directory, remove = files.directory()
    os.execute(([[cd %s && exec >/dev/null 2>&1 && git init -q -b main --bare upstream.git &&
      git init -q -b topic work && cd work && git config user.email a@b.invalid && git config user.name a &&
      mkdir src && printf 'one\ntwo ```\nthree\n' >src/a.lua && git add . && git commit -qm first &&
      git remote add origin ../upstream.git && git push -q -u origin topic:feature/x &&
      git remote set-url origin git@github.com:owner/work.git && echo four >>src/a.lua]]):format(directory))
    local output = said([[
      child "vim.cmd 'edit src/a.lua'"
      child "vim.cmd '2,3OpenHands start Explain this.'"
      told "started"
      say(messages())
    ]], { directory = directory .. "/work" })
    remove()
    assert.matches("started on owner/work, branch feature/x: http", output)
    assert.matches("there are changes that were not committed", output)
    local body = bodies()[1]
    assert.equal("owner/work", body.selected_repository)
    assert.equal("feature/x", body.selected_branch)
    assert.equal("github", body.git_provider)
    assert.equal("Explain this.\n\nLines 2 to 3 of `src/a.lua`, as they are in the editor:\n\n"
      .. "````lua\ntwo ```\nthree\n````\n", task_of(body))
  end)

  it("takes the repository that is named, or none", function()
    said [[
      child "vim.cmd 'OpenHands start repository=owner/other branch=dev Fix it.'"
      child "vim.cmd 'OpenHands start repository= Fix nothing.'"
      await(child, "return select(2, vim.api.nvim_exec('messages', true):gsub('started', '')) == 2")
    ]]
    local by_text = {}
    for _, body in ipairs(bodies()) do by_text[task_of(body)] = body end
    assert.equal("owner/other", by_text["Fix it."].selected_repository)
    assert.equal("dev", by_text["Fix it."].selected_branch)
    assert.is_nil(by_text["Fix nothing."].selected_repository)
  end)

  it("asks for the task if there is none", function()
    local output = said [[
      child "vim.ui.input = function(options, done) done(options.prompt == 'Task for OpenHands: ' and 'Typed.') end"
      child "vim.cmd 'OpenHands start'"
      told "started"
      say "done"
    ]]
    assert.equal("done\n", output)
    assert.equal("Typed.", task_of(bodies()[1]))
  end)

  it("lists the account's conversations, and follows the chosen one", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.ui.select = function(list, options, done) vim.g.label = options.format_item(list[1]) done(list[1]) end"
      child "vim.cmd 'OpenHands list'"
      await(child, "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false)):find 'has finished' ~= nil")
      say(child "return vim.g.label")
      say(unpack(child "return { vim.bo.modifiable, vim.bo.modeline, vim.bo.buftype }"))
      say(text())
      child "vim.cmd 'normal q'"
      say(child "return #vim.api.nvim_list_wins()")
    ]]
    assert.matches("^finished +[^\n]+\nfalse false nofile\n", output)
    assert.matches("Fix the typo%.", output)
    assert.matches("\n[^\n]* has finished[^\n]*\n\nDone%.", output)
    assert.matches("\n1\n$", output)
  end)

  it("runs a command for the key without showing it, and says where none comes from", function()
    local output = said([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "started"
      child "require 'openhands.nvim'.setup { api_key = { 'sh', '-c', 'echo other-secret; exit 3' } }"
      child "vim.cmd 'messages clear | OpenHands start Not this.'"
      told "gave no key"
      say(messages())
      child "vim.cmd 'OpenHands log'"
      say(text())
    ]], {
      environment = { OPENHANDS_API_KEY = "" },
      configuration = ("vim.g.openhands = { api_key = { 'sh', '-c', 'printf \"%s\\nsecond\"' } }"):format(canary.key),
    })
    assert.equal(1, #service.server:starts())
    assert.matches("the command given as api_key gave no key: sh ended with 3", output)
    assert.matches("%d%d:%d%d:%d%d start %(v1%) answered", output)
    assert.is_nil(output:find("secret", 1, true))
    for _, request in ipairs(service.server:requests()) do
      assert.equal("Bearer " .. canary.key, request.headers.authorization or request.headers["Authorization"])
    end
  end)

  it("tells what is wrong with the configuration, and what the service refuses", function()
    local output = said([[
      child "vim.cmd 'OpenHands start Not this.'"
      told "no field"
      say(messages())
      child "vim.g.openhands = nil require 'openhands.nvim'.setup { interval = 0.02 }"
      child "vim.cmd 'OpenHands start repository=owner/forbidden Not this.'"
      told "has failed"
      say(messages())
    ]], { configuration = "vim.g.openhands = { apikey = 'x' }" })
    assert.matches("vim%.g%.openhands: there is no field 'apikey'", output)
    assert.matches("has failed", output)
  end)
end)
