--- Speaks for the command if a signal ends it at once: SIGTERM, a second Ctrl-C, SIGKILL. A shell beside it reads a
--- pipe, and writes the last words to stderr if the pipe ends before the command has said that all is well.

local core = require "openhands.core"

local M = {}

-- A line that begins with + adds to the last words, = forgets them, and . ends the shell. Ctrl-C reaches it, too.
local PROGRAM = [[trap '' INT QUIT TERM HUP; exec >&2; words=
while IFS= read -r line; do
  case $line in
    +*) words="$words${line#+}
" ;;
    =) words= ;;
    .) exit ;;
  esac
done
printf %s "$words"]]

---@class openhands.CommandGuard
---@field private _pipe file?
local Guard = {}
Guard.__index = Guard

--- Starts the shell. Without one (too many processes), the guard has no effect.
---@return openhands.CommandGuard
function M.new()
  return setmetatable({ _pipe = io.popen(PROGRAM, "w") }, Guard)
end

-- Sends lines to the shell. If the shell was killed, the guard has no effect from then on.
local function send(self, text)
  if self._pipe and not core.write_to_pipe(self._pipe, text) then
    self._pipe:close()
    self._pipe = nil
  end
end

--- Sets the last words.
---@param words string lines; empty: there is nothing to say
function Guard:set(words)
  send(self, "=\n" .. words:gsub("[^\n]+", "+%0"):gsub("([^\n])$", "%1\n"))
end

--- Ends the shell: it says nothing.
function Guard:close()
  send(self, ".\n")
  if self._pipe then
    self._pipe:close()
    self._pipe = nil
  end
end

return M
