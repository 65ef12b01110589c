--- Guesses the repository and the branch that an agent should work on, from the git repository of a directory. Nothing
--- blocks the editor: git runs beside it.

local configuration = require "openhands.nvim.configuration"
local library = require "openhands.nvim.library"
local processes = require "openhands.nvim.process"

local M = {}

---@class openhands.nvim.Repository
---@field root string? directory of the working tree
---@field repository string? address or name of the repository
---@field branch string? as the remote calls it
---@field remark string? what an agent will not see
---@field is_given boolean? whether the configuration says which one, or none

local MOST_OF_FILTERS = 20000 -- bytes of their names; nobody has so many

-- Nothing that the configuration of a repository names is run: a repository may come from anywhere.
local RUN_NOTHING = { "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null" }

-- Runs git. Calls `done` with the first line of its output, or without it, with all of it, and with the exit status.
local function git(directory, words, done)
  local command = vim.list_extend({ "git", "-C", directory }, RUN_NOTHING)
  vim.list_extend(command, words)
  processes.run(command, { env = { GIT_OPTIONAL_LOCKS = "0", GIT_TERMINAL_PROMPT = "0" } }, function(result)
    local output = result.code == 0 and result.output or nil
    done(output and output:match "^[^\n]+", output, result.code)
  end)
end

-- Returns the address of a remote as the library takes it, without credentials; nil if it is none of a host.
local function address_of(remote)
  if not remote or not library.load() then
    return nil
  end
  local address = remote:gsub("^([A-Za-z][A-Za-z0-9+.-]*://)[^/]*@", "%1"):gsub("%.git/?$", "")
  local name = require("openhands.api.repository").take_apart(address)
  return name and name ~= address and address or nil -- what looks like a name is a directory to git
end

-- Takes what `git status --porcelain=v2 --branch` says: the branch, the one that it follows, and what was not pushed.
local function read_status(output)
  local head = output:match "# branch%.head ([^\n]+)"
  local upstream = output:match "# branch%.upstream ([^\n]+)"
  local ahead = tonumber(output:match "# branch%.ab %+(%d+)") or 0
  local is_dirty = ("\n" .. output):find "\n[12u] " ~= nil
  return head, upstream, ahead, is_dirty
end

-- Returns what an agent will not see of the working tree; it gets what was pushed.
local function remark_of(head, upstream, ahead, is_dirty)
  local parts = {}
  if head and head ~= "(detached)" and not upstream then
    parts[#parts + 1] = ("the branch '%s' was not pushed"):format(head)
  end
  if ahead > 0 then
    parts[#parts + 1] = ahead == 1 and "one commit was not pushed" or ahead .. " commits were not pushed"
  end
  if is_dirty then
    parts[#parts + 1] = "there are changes that were not committed"
  end
  return parts[1] and table.concat(parts, ", and ") or nil
end

-- Returns the remote's name and the branch's name there, of a branch that is followed, such as `origin/main`.
local function split_upstream(upstream, head)
  if upstream and head and #upstream > #head and upstream:sub(-#head - 1) == "/" .. head then
    return upstream:sub(1, -#head - 2), head
  elseif upstream then
    return upstream:match "^([^/]+)/(.+)$"
  end
end

-- Calls `done` with the words that keep git from running the filters of a repository's files, which `git status` would;
-- with nil if that cannot be known. Without them, a file that was touched may count as changed.
local function without_filters(root, done)
  git(root, { "config", "--name-only", "--get-regexp", "^filter[.]" }, function(_, output, code)
    local words = {}
    for name in (output or ""):gmatch "(filter%.[^\n]+)%.[a-z]+\n" do
      if name:find("=", 1, true) then -- git would take it for a value
        return done(nil)
      end
      vim.list_extend(words, { "-c", name .. ".clean=", "-c", name .. ".process=", "-c", name .. ".required=false" })
    end
    local is_known = code == 1 or code == 0 and output and #output < MOST_OF_FILTERS
    done(is_known and words or nil)
  end)
end

-- Calls `done` with what `git status` says of a working tree; "" if git cannot be kept from running programs there.
local function status(root, done)
  without_filters(root, function(words)
    if not words then
      return done ""
    end
    git(root, vim.list_extend(words, { "status", "--porcelain=v2", "--branch", "--untracked-files=no" }),
      function(_, output)
        done(output or "")
      end)
  end)
end

-- Guesses from git.
local function from_git(directory, done)
  git(directory, { "rev-parse", "--show-toplevel" }, function(root)
    if not root then
      return done {}
    end
    status(root, function(output)
      local head, upstream, ahead, is_dirty = read_status(output)
      local remote, branch = split_upstream(upstream, head)
      git(root, { "remote", "get-url", remote or "origin" }, function(url)
        local address = address_of(url)
        done {
          root = root,
          repository = address,
          branch = address and branch,
          remark = address and remark_of(head, upstream, ahead, is_dirty),
        }
      end)
    end)
  end)
end

--- Finds the repository and the branch for a start from a directory: those of the configuration, else git's.
---@param directory string
---@param done fun(found: openhands.nvim.Repository) called where the whole API of Neovim may be used
function M.find(directory, done)
  local given = configuration.get()
  from_git(directory, function(found)
    found.is_given = given.repository ~= nil
    if given.repository == false then
      found.repository, found.branch, found.remark = nil, nil, nil
    elseif given.repository ~= nil then
      found.repository, found.branch, found.remark = given.repository, nil, nil
    end
    if given.branch ~= nil then
      found.branch = given.branch or nil
    end
    done(found)
  end)
end

--- Returns the directory of a buffer's file, else the current one.
---@param buffer integer
---@return string
function M.directory_of(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  local directory = vim.bo[buffer].buftype == "" and path ~= "" and vim.fn.fnamemodify(path, ":p:h")
  return directory and vim.fn.isdirectory(directory) == 1 and directory or vim.fn.getcwd()
end

return M
