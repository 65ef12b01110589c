-- busted for the interpreter that runs this file: the installed `busted` command always takes the same one.

-- busted forgets between spec files what they have loaded, and they load it again. luv does not survive that: the
-- loop of the first time is freed and still in use. So it is loaded before busted begins.
pcall(require, "luv")

require "busted.runner" { standalone = false }
