std = "max" -- what any Lua from 5.1 to 5.5, LuaJIT, Neovim's or OpenResty's has; the specs run on all of them
max_line_length = 120
files["spec"] = { std = "+busted" }
files["lua/openhands/types.lua"] = { ignore = { "" } } -- annotations only
files["lua/openhands/operation_types.lua"] = { ignore = { "" } } -- annotations only, written by a tool
files["*.rockspec"] = { std = "+rockspec" }
