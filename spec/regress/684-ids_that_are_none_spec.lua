-- The error about an id that is none did not show it, so that among several nobody could tell which; and the address of
-- a conversation's page, which `start` prints, was no id for the command.
local commands = require "spec.support.command"
local in_process = require "spec.support.in_process"

local MUST = "; an id has 1 to 128 of A-Z a-z 0-9 _ -, this has %d bytes"

describe("an id that is none", function()
  it("is shown in the error, in a safe and short form", function()
    local client = in_process.simulated { api = "v1" }
    local function problem_of(id)
      local _, problem = pcall(client.status, client, id)
      return (tostring(problem):gsub("^.-openhands%.", "", 1))
    end
    assert.equal("status: not an id: 'a/b'" .. MUST:format(3), problem_of "a/b")
    assert.equal("status: not an id: ''" .. MUST:format(0), problem_of "")
    assert.not_matches("[%c]", problem_of "a\n\27[31mb\0")
    assert.is_true(#problem_of(("x"):rep(1e6)) < 250)
    assert.not_matches("0123456789abcdef", problem_of "https://host/?session_api_key=0123456789abcdef")
    client:close()
  end)

  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("is told by the command, among several", function()
    local id = here.output "start 'Fix it.' --api v1"
    local result = here.run(("status %s abc --api v1"):format(id))
    assert.equal("openhands-lua: status: 'conversation_id' is 'abc', which is not a UUID, and this API has no other "
      .. "ids: check that it is complete (v1)\n", result.errors)
    result = here.run(("wait %s a/b"):format(id))
    assert.matches("number 2: not an id: 'a/b'; an id has", result.errors, 1, true)
  end)

  it("may be the address of the conversation's page", function()
    local started = here.run "start 'Fix it.' --api v1 --json --wait --repo owner/repo"
    local id, url = started.json.conversation_id, started.json.url
    assert.equal(here.service.address .. "/conversations/" .. id, url)
    for _, address in ipairs { url, url .. "/", url .. "?tab=files", url .. "/#top", (url:gsub("^http", "HTTP", 1)) } do
      assert.equal(id, here.output(("status '%s'"):format(address)):match "^[^\t]+", address)
    end
    assert.same({ id, true }, { here.run(("delete --json --yes '%s'"):format(url)).json[1].conversation_id,
      here.run("status " .. id).status == 1 })
    for _, address in ipairs { url .. "/a/b", here.service.address .. "/conversations", "ftp" .. url } do
      assert.matches("not an id: '" .. address, here.run(("status '%s'"):format(address)).errors, 1, true)
    end
  end)
end)
