-- The loop "uv" in a real Neovim: whole workflows, waiting, and above all the exit, in every order.
local neovim = require "spec.support.neovim"
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"

if not rawget(_G, "jit") then return end -- Neovim has LuaJIT built in, and loads the module that is built for it

describe("in Neovim", function()
  local server

  setup(function()
    local found = os.execute "command -v nvim >/dev/null"
    assert(found == true or found == 0, "these specs need Neovim: install neovim, or run tools/setup.sh test")
    server = simulator.spawn { pace = 0.01 }
  end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  -- Runs a program that has a client of the simulator's.
  local function said(program, code)
    return neovim.said(([[
      local openhands = require "openhands"
      local function new_client(address)
        return openhands.new { base_url = address or %q, api_key = %q, grace = 0.02, api = "v1" }
      end
      local client = new_client()
    ]]):format(server.address, canary.key) .. program, code)
  end

  -- ---- working ---------------------------------------------------------------------------------------------------

  it("a task runs a whole workflow, and may use the editor", function()
    local output = said [[
      say(client._loop.name)
      local function write(line) vim.api.nvim_buf_set_lines(0, -1, -1, false, { line }) end
      local task = client:spawn(function()
        local conversation = assert(client:start { initial_user_msg = "Try it." })
        write(conversation.state)
        local done = assert(client:wait(conversation, { interval = 0.02, on_change = function(now)
          write(now.state)
        end }))
        for event in done:events() do vim.cmd("let g:last_kind = '" .. event.kind .. "'") end
        return done
      end)
      task:on_done(function(err, done)
        write(done.answer)
        say(table.concat(vim.api.nvim_buf_get_lines(0, 1, -1, false), ","))
        say(err, vim.g.last_kind ~= nil, vim.in_fast_event())
        vim.cmd "qa!"
      end)
      say "the editor goes on"
    ]]
    assert.are.equal("uv\nthe editor goes on\n", output:match "^uv\n[^\n]*\n")
    assert.is_truthy(output:find "starting,.*finished,Done%. [^\n]*\n")
    assert.is_truthy(output:find("\nnil true false\n$"), output)
    assert.are.equal(1, server:jobs())
  end)

  it("a call outside a task waits, and everything else goes on", function()
    local output = said [[
      local beats, scheduled = 0, 0
      uv.new_timer():start(1, 1, function() beats = beats + 1 end)
      local function again()
        scheduled = scheduled + 1
        vim.defer_fn(again, 1)
      end
      again()
      local done = assert(client:run({ initial_user_msg = "Try it." }, { interval = 0.02 }))
      say(done.state, beats > 10, scheduled > 10)
      vim.cmd "qa!"
    ]]
    assert.are.equal("finished true true\n", output)
  end)

  it("a call in a fast event raises before anything is sent, and a task may be spawned there", function()
    local output = said [[
      uv.new_timer():start(1, 0, function()
        local inner = new_client() -- made where the editor's functions may not be called
        say(pcall(client.start, client, { initial_user_msg = "Not this." }))
        say(pcall(client.sleep, inner, 0))
        client:spawn(function()
          say(assert(inner:me()) ~= nil, vim.in_fast_event())
          vim.cmd "qa!"
        end)
      end)
    ]]
    local start, sleep, rest = output:match "^(.-)\n(.-)\n(.*)$"
    assert.is_truthy(start:find("^false .*start: waiting is not possible in a fast event: call it inside client:spawn"))
    assert.is_truthy(sleep:find("^false .*sleep: waiting is not possible in a fast event"))
    assert.are.equal("true false\n", rest)
    assert.are.equal(0, server:jobs())
    for _, request in ipairs(server:requests()) do assert.are.equal("GET", request.method) end
  end)

  it("a coroutine of the user waits as the editor does, and is not yielded", function()
    local output = said [[
      local beats = 0
      uv.new_timer():start(1, 1, function() beats = beats + 1 end)
      local function beats_while_it_sleeps()
        local before = beats
        client:sleep(0.05)
        return beats > before
      end
      coroutine.wrap(function()
        local mine = assert(client:me())
        say("outside", mine ~= nil, beats_while_it_sleeps())
      end)()
      client:spawn(function()
        coroutine.wrap(function()
          assert(client:me())
          say("in a task", beats_while_it_sleeps())
        end)()
        vim.api.nvim_create_autocmd("User", { callback = function() say("in an autocommand", client:me() ~= nil) end })
        vim.cmd "doautocmd User"
      end):wait()
      vim.cmd "qa!"
    ]]
    assert.are.equal("outside true true\nin a task true\nin an autocommand true\n", output)
  end)

  it("tasks of two clients wait for each other", function()
    local output = said [[
      local other = new_client()
      local first = client:spawn(function() return other:sleep(0.01) and assert(client:me()) and "first" end)
      local second = other:spawn(function() return first:wait() .. " second" end)
      say(second:wait())
      client:close()
      say(other:me() ~= nil)
      vim.cmd "qa!"
    ]]
    assert.are.equal("first second\ntrue\n", output)
  end)

  it("a task can be cancelled in a call, and in a sleep", function()
    local output = said [[
      local address, count = silent_server()
      local silent = new_client(address)
      local asking = client:spawn(function() return silent:me() end)
      local sleeping = client:spawn(function() return client:sleep(1000) end)
      client:spawn(function()
        client:sleep(0.05)
        for _, task in ipairs { asking, sleeping } do task:cancel() end
      end)
      eventually(function() return count() > 0 end)
      for _, task in ipairs { asking, sleeping } do
        local value, err = task:wait()
        say(value, err.kind)
      end
      say((silent._core:in_flight()))
      vim.cmd "qa!"
    ]]
    assert.is_truthy(output:find "^nil cancelled\nnil cancelled\n0\n", output)
  end)

  it("an error in a task is returned to its waiter, and one in a listener is only logged", function()
    local output = said [[
      local failing = client:spawn(function() client:sleep(0.01) error("broken", 0) end)
      local fine = client:spawn(function() client:sleep(0.02) return "fine" end)
      fine:on_done(function() error "in a listener" end)
      local told
      fine:on_done(function(_, value) told = value end)
      local value, err = failing:wait()
      say(value, err.kind, err.cause)
      say(fine:wait())
      eventually(function() return told end)
      say("told", told)
      vim.cmd "qa!"
    ]]
    assert.are.equal("nil raised broken\nfine\ntold fine\n", output)
  end)

  it("the example starts a conversation, shows its state, and opens its answer", function()
    local environment = ("OPENHANDS_BASE_URL=%s OPENHANDS_API_KEY=%s"):format(server.address, canary.key)
    local output = neovim.said([[
      local states = {}
      vim.notify = function(text) say(text) end
      vim.cmd "luafile examples/neovim.lua"
      uv.new_timer():start(1, 1, vim.schedule_wrap(function() states[vim.g.openhands_status] = true end))
      vim.cmd "OpenHands Try it."
      eventually(function() return vim.api.nvim_buf_line_count(0) > 3 end)
      say(vim.tbl_count(states) > 1, vim.g.openhands_status == "")
      say(vim.api.nvim_buf_get_lines(0, -2, -1, false)[1])
      vim.cmd "qa!"
    ]], 0, environment)
    assert.is_truthy(output:find "^OpenHands is working: http.-\nOpenHands: finished\ntrue true\nDone%.", output)
    assert.are.equal(1, server:jobs())
  end)

  -- ---- the end ---------------------------------------------------------------------------------------------------

  -- What goes on when the end comes. `hung` is a client of a server that never answers.
  local situations = {
    ["nothing was ever called"] = "",
    ["nothing is in flight"] = [[
      assert(client:me())
      hung = client
    ]],
    ["a task waits for a response"] = [[
      hung:spawn(function() return hung:me() end)
      eventually(has_come)
    ]],
    ["a task waits for a response that nothing watches yet"] = [[
      hung:spawn(function() return hung:me() end)
    ]],
    ["a task sleeps"] = [[
      hung:spawn(function() hung:sleep(1000) end)
      hung:spawn(function() assert(client:me()) hung:sleep(1000) end)
      client:sleep(0.01)
    ]],
    ["a call is abandoned"] = [[
      local wait = vim.wait
      vim.wait = function(_, is_over) -- Ctrl-C, once the server has been asked
        wait(60000, function() return has_come() or is_over() end, 1)
        return false, -2
      end
      local good, problem = pcall(hung.me, hung)
      assert(not good and problem == "interrupted", problem)
      vim.wait = wait
      for pending in pairs(hung._awaited) do hung._awaited[pending] = nil end -- as when it is collected
      assert(hung._core:in_flight() == 1, "nothing is in flight")
    ]],
  }

  -- How it comes, with what it leaves for Neovim to exit with.
  local ends = {
    ["the client is closed"] = { "hung:close() collectgarbage() collectgarbage() leave()" },
    ["the client is closed twice"] = { "hung:close() hung:close() leave()" },
    ["a task closes the client"] = { "client:spawn(function() hung:close() hung:close() leave() end)" },
    ["its own task closes the client"] = { "hung:spawn(function() hung:close() leave() end)" },
    ["a scheduled function closes the client"] = { "vim.schedule(function() hung:close() leave() end)" },
    ["a fast event closes the client"] = {
      "uv.new_timer():start(1, 0, function() hung:close() vim.schedule(leave) end)",
    },
    ["the client is dropped"] = { "hung = nil collectgarbage() collectgarbage() leave()" },
    ["the client is closed while the editor waits"] = { [[
      vim.defer_fn(function() hung:close() end, 10)
      local _, err = hung:sleep(1000)
      assert(err.kind == "closed")
      leave()
    ]] },
    ["the client is closed while the editor waits for a response"] = { [[
      uv.new_timer():start(10, 0, function() hung:close() end)
      local _, err = hung:me { timeout = 1000 }
      assert(not err or err.kind == "closed")
      leave()
    ]] },
    [":qa"] = { "vim.cmd 'qa'" },
    [":qa!"] = { "vim.cmd 'qa!'" },
    [":qa! without autocommands"] = { "vim.cmd 'noautocmd qa!'" },
    ["os.exit"] = { "os.exit(4)", 4 },
    [":cquit"] = { "vim.cmd 'cquit 3'", 3 },
    [":qa in a scheduled function"] = { "vim.schedule(function() vim.cmd 'qa' end)" },
    [":qa in a task"] = { "hung:spawn(function() vim.cmd 'qa' end)" },
    [":qa while the editor waits"] = { "vim.defer_fn(function() vim.cmd 'qa' end, 10) hung:sleep(1000)" },
    [":qa while the editor waits for a response"] = {
      "vim.defer_fn(function() vim.cmd 'qa' end, 10) while true do hung:me { timeout = 1000 } end",
    },
  }

  -- Leaves as a program does that goes on for a while: the loop runs, and the descriptor that was closed last is the
  -- next one, which can be watched, and with which a call ends well.
  local around = [[
    local polls, new_poll = {}, uv.new_poll -- Neovim bears no walk over its handles
    uv.new_poll = function(...)
      polls[#polls + 1] = assert(new_poll(...))
      return polls[#polls]
    end
    local address, count, close_server = silent_server()
    local hung = new_client(address)
    local function has_come() return count() > 0 end
    local function leave()
      vim.wait(5, function() return false end)
      for _ = 1, 2 do
        local later = new_client()
        assert(later:me())
        local poll = assert(uv.new_pipe(false))
        poll:close()
        later:close()
      end
      say "good"
      vim.cmd "qa!"
    end
    %s
    %s
  ]]

  for situation, going_on in pairs(situations) do
    for name, ending in pairs(ends) do
      it(("%s when %s"):format(name, situation), function()
        local output = said(around:format(going_on, ending[1]), ending[2])
        assert.are.equal(ending[1]:find("leave", 1, true) and "good\n" or "", output)
      end)
    end
  end

  -- The order in which a client, its watcher, its descriptor, its server, and all that is dropped come to their end.
  local steps = {
    client = "hung:close()",
    watcher = "close_watchers()",
    descriptor = "hung._core:close()",
    server = "close_server()",
    garbage = "collectgarbage() collectgarbage()",
  }

  local function orders(left, before, found)
    if #left == 0 then found[#found + 1] = before end
    for place, name in ipairs(left) do
      local rest = {}
      for other, each in ipairs(left) do
        if other ~= place then rest[#rest + 1] = each end
      end
      orders(rest, before .. (before == "" and "" or ", ") .. name, found)
    end
    return found
  end

  for _, turns in ipairs { "", "vim.wait(3, function() return false end)" } do
    local list = orders({ "client", "watcher", "descriptor", "garbage" }, "", {})
    for _, order in ipairs(orders({ "client", "watcher", "server", "garbage" }, "", {})) do list[#list + 1] = order end
    for _, order in ipairs(list) do
      it(("%s end in this order%s"):format(order, turns == "" and "" or ", with steps of the loop between"), function()
        local ending = {}
        for name in order:gmatch "%a+" do ending[#ending + 1] = steps[name] .. "\n" .. turns end
        local output = said(around:format([[
          local function close_watchers()
            for _, poll in ipairs(polls) do
              if not poll:is_closing() then poll:close() end
            end
          end
          hung:spawn(function() return hung:me() end)
          eventually(has_come)
        ]], table.concat(ending, "\n") .. "\nleave()"))
        assert.are.equal("good\n", output)
      end)
    end
  end

  it("its exit closes every client", function()
    local output = said [[
      local hung = new_client(silent_server())
      vim.api.nvim_create_autocmd("VimLeave", { callback = function()
        say(tostring(client):match "%(.*, (.*)%)$", tostring(hung):match "%(.*, (.*)%)$")
      end })
      assert(client:me())
      hung:spawn(function() hung:me() end)
      vim.schedule(function() vim.cmd "qa" end)
    ]]
    assert.are.equal("closed closed\n", output)
  end)

  it("a descriptor is watched again under its old number", function()
    local output = said [[
      assert(client:me())
      local number = client._core:pollfd()
      for _ = 1, 20 do
        client:close()
        client = new_client()
        local task = client:spawn(function() return client:me() end)
        assert(task:wait())
        assert(client._core:pollfd() == number)
      end
      say "good"
      vim.cmd "qa!"
    ]]
    assert.are.equal("good\n", output)
  end)

  it("a client is collected when it has nothing in flight", function()
    local output = said [[
      local kept = setmetatable({ client = client }, { __mode = "v" })
      assert(client:me())
      client = nil
      collectgarbage() collectgarbage()
      say(kept.client)
      local address, count, hang_up = silent_server()
      kept.client = new_client(address)
      kept.client:spawn(function(own) own:me { retries = 0 } end, kept.client)
      eventually(function() return count() > 0 end)
      vim.wait(20, function() return false end)
      collectgarbage() collectgarbage()
      say(kept.client ~= nil)
      hang_up()
      eventually(function()
        collectgarbage()
        return kept.client == nil
      end)
      vim.cmd "qa!"
    ]]
    assert.are.equal("nil\ntrue\n", output)
  end)
end)
