-- The functions of the module are called with a dot, methods with a colon. A colon on the module passes the module
-- itself as the first argument, and the resulting error did not say so.

local openhands = require "openhands"

describe("a function of the module, or of a group, called with a colon", function()
  it("says that it is called with a dot", function()
    for path, call in pairs {
      start = function() return openhands:start { initial_user_msg = "x" } end,
      ["secrets.list"] = function() return openhands.secrets:list {} end,
    } do
      local good, message = pcall(call)
      assert.is_false(good)
      assert.matches(path:gsub("%.", "%%.") .. ": is a function: call openhands%." .. path .. "%(...%) with a dot",
        message)
    end
  end)
end)
