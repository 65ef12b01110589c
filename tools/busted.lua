-- busted for the interpreter that runs this file: the installed `busted` command always takes the same one.
require "busted.runner" { standalone = false }
