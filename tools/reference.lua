-- Writes the reference of the operations from the core's table of them.
--   lua tools/reference.lua table     doc/operations.md: each operation, the dialects that have it, its fields
--   lua tools/reference.lua types     lua/openhands/types/operations.lua: the same for editors
-- `make reference` writes both; a spec compares the files with this output.
package.path = "tools/?.lua;" .. package.path

local M = {
  table = require "reference_table",
  types = require "reference_types",
}

if arg and arg[0] and arg[0]:find("reference%.lua$") then
  io.write(M[arg[1]]())
end

return M
