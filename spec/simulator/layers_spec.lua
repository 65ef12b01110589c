-- The directories of the simulator are layers: each may require only the layers below it.
local files = require "spec.support.files"

local ROOT = "lua/openhands/simulator/"

-- Of each layer: what its modules may require besides each other. A module in no directory is a layer of its own.
local ALLOWED = {
  lists = {},
  encoding = {},
  http = { "encoding" },
  model = { "http", "encoding", "lists" },
  handler = { "http", "encoding", "lists" },
  v1 = { "handler", "model", "http", "encoding", "lists" },
  agent = { "v1", "handler", "model", "http", "encoding", "lists" },
  v0 = { "v1", "handler", "model", "http", "encoding", "lists" },
  sandbox_proxy = { "agent", "v0", "handler", "model", "http", "encoding", "lists" },
  dispatch = { "sandbox_proxy", "v0", "v1", "handler", "model", "http", "encoding" },
  fault = { "http", "encoding" },
  server = { "dispatch", "fault", "model", "http", "encoding" },
  transport = { "fault", "encoding" },
  process = { "model", "encoding" },
  init = { "dispatch", "encoding", "model", "process", "transport" },
}

local function layer_of(path)
  return path:match("^([^/]+)/") or path:match("^(.*)%.lua$")
end

describe("the simulator", function()
  local listing = assert(io.popen("find " .. ROOT .. " -name '*.lua'"))
  for path in listing:lines() do
    local own_path = path:sub(#ROOT + 1)
    it(("%s requires only the layers below it"):format(own_path), function()
      local layer = layer_of(own_path)
      local allowed = { [layer] = true }
      for _, each in ipairs(assert(ALLOWED[layer], layer .. " is no layer of the simulator")) do
        allowed[each] = true
      end
      for name in files.read(path):gmatch('require%(?%s*"([^"]+)"') do
        local inside = name:match("^openhands%.simulator%.(.+)$")
        if inside then
          assert.is_true(allowed[inside:match("^[^.]+")], own_path .. " requires " .. name)
        else
          assert.is_true(layer == "server" and name == "luv",
            own_path .. " requires " .. name)
        end
      end
    end)
  end
  listing:close()
end)
