-- The scripts of completion, each in its shell: what a person gets who presses Tab.
local commands = require "spec.support.command"
local files = require "spec.support.files"

local function is_installed(name)
  local found = os.execute(("command -v %s >/dev/null"):format(name))
  return found == true or found == 0
end

-- A zsh that is typed to: a line is completed, and what became of it is written to a file.
local CONFIGURATION = [[
fpath=($ZDOTDIR $fpath)
autoload -Uz compinit && compinit -u -D
PS1=
note() { print -r -- "$BUFFER" >$ZDOTDIR/typed; exit }
zle -N note
bindkey '^X' note
zle-line-init() { print -n READY }
zle -N zle-line-init
]]
local TYPIST = [[
export ZDOTDIR=$1
zmodload zsh/zpty
zpty typist zsh -d -i
zpty -r typist shown '*READY*'
zpty -w -n typist "$2"$'\t\x18'
while zpty -r typist shown; do :; done
cat $1/typed
]]

describe("the completion", function()
  local here = commands.specs(setup, teardown)

  setup(function() files.write(here.directory .. "/a_file", "") end)

  local function lines_of(command)
    local pipe = assert(io.popen(("cd '%s' && timeout 60 %s 2>&1 </dev/null"):format(here.directory, command)))
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    return lines
  end

  local function case(shell, name, run)
    if is_installed(shell) then return it(name, run) end
    io.stderr:write(("SKIPPED: the completion of %s, because %s is not installed\n"):format(shell, shell))
    it(name, function() pending(shell .. " is not installed") end)
  end

  case("bash", "of bash gives commands, options and words", function()
    files.write(here.directory .. "/bash", here.output "completion bash" .. "\n")
    local function completed(line)
      local _, words = line:gsub("[^ ]+", '"%0"')
      return table.concat(lines_of(([[bash --norc -c '. ./bash; COMP_WORDS=(%s); COMP_CWORD=%d; ]]
        .. [[_openhands-lua; echo "${COMPREPLY[@]}"']]):format(line, words - 1)), "\n")
    end
    assert.equal("start status", completed "openhands-lua sta")
    assert.equal("finished failed", completed "openhands-lua list --state f")
    assert.equal("run report", completed "openhands-lua fleet r")
    assert.equal("--on-paused", completed "openhands-lua worker --on-p")
  end)

  case("fish", "of fish gives commands, options and words, with what they mean", function()
    files.write(here.directory .. "/fish", here.output "completion fish" .. "\n")
    local function completed(line)
      return lines_of(("fish --no-config -c \"source ./fish; complete -C '%s'\""):format(line))
    end
    assert.same({
      "start\tStart a conversation, a paid job, and print its id", "status\tPrint how conversations stand",
    }, completed "openhands-lua st")
    local meaning = "Only those in this state: starting, running, waiting, paused, stopped, finished, failed, gone, "
      .. "unknown"
    assert.same({ "failed\t" .. meaning, "finished\t" .. meaning }, completed "openhands-lua list --state f")
    assert.equal(2, #completed "openhands-lua fleet r")
    assert.same({ "bash", "fish", "zsh" }, completed "openhands-lua completion ")
    assert.matches("^%-%-on%-paused\t", completed("openhands-lua worker --on-p")[1])
  end)

  case("zsh", "of zsh completes commands, options, words and files", function()
    files.write(here.directory .. "/_openhands-lua", here.output "completion zsh" .. "\n")
    files.write(here.directory .. "/.zshrc", CONFIGURATION)
    files.write(here.directory .. "/typist", TYPIST)
    local function completed(line)
      return table.concat(lines_of(("zsh -f ./typist '%s' '%s'"):format(here.directory, line)), "\n")
    end
    assert.equal("openhands-lua status ", completed "openhands-lua stat")
    assert.equal("openhands-lua list --state finished ", completed "openhands-lua list --state fi")
    assert.equal("openhands-lua fleet report ", completed "openhands-lua fleet rep")
    assert.equal("openhands-lua completion zsh ", completed "openhands-lua completion z")
    assert.equal("openhands-lua worker --on-paused ", completed "openhands-lua worker --on-p")
    assert.equal("openhands-lua fleet run a_file ", completed "openhands-lua fleet run a_f")
  end)
end)
