-- Runs busted in the interpreter that runs this file: the installed `busted` command always uses the same one.

-- busted unloads the modules of a spec file after it, and the next file loads them again. luv does not survive that:
-- its first loop is freed while still in use. So luv is loaded before busted begins.
pcall(require, "luv")

require "busted.runner" { standalone = false }
