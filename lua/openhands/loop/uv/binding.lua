--- The libuv binding of this host: Neovim's own, or luv.

local vim = rawget(_G, "vim")
local is_neovim = type(vim) == "table"

local LONGEST = 2147483647 -- milliseconds

local M = {}

--- Neovim's API; nil in programs on luv, and in threads of Neovim, which cannot use its loop.
M.neovim = is_neovim and vim.wait and vim.schedule and vim or nil

M.uv = is_neovim and (vim.uv or vim.loop) or require "luv"

--- Converts seconds for libuv, which counts in milliseconds; rounds up, so that nothing is due too early.
---@param seconds number at most 24 days are used
---@return integer
function M.milliseconds(seconds)
  return math.ceil(math.min(math.max(seconds, 0) * 1000, LONGEST))
end

return M
