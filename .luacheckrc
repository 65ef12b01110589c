std = "max" -- what any Lua from 5.1 to 5.5, LuaJIT, Neovim's or OpenResty's has; the specs run on all of them
max_line_length = 120
files["spec"] = { std = "+busted" }
files["lua/openhands/types/init.lua"] = { ignore = { "" } } -- annotations only
files["lua/openhands/types/operations.lua"] = { ignore = { "" } } -- annotations only, written by a tool
files["*.rockspec"] = { std = "+rockspec" }
files["bench/service.lua"] = { std = "ngx_lua" }
for _, path in ipairs { "plugin", "lua/openhands/nvim", "lua/openhands/health.lua" } do
  files[path] = { globals = { "vim" } } -- they run in Neovim only
end
