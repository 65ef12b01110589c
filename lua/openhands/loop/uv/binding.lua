--- libuv, as this host has it: Neovim's own, or luv.

local vim = rawget(_G, "vim")
local is_neovim = type(vim) == "table"

local MOST = 2147483647 -- milliseconds

local M = {}

--- Neovim's functions; nil in a program on luv, and in a thread of Neovim's, which has none of its loop.
M.neovim = is_neovim and vim.wait and vim.schedule and vim or nil

M.uv = is_neovim and (vim.uv or vim.loop) or require "luv"

--- For libuv, which counts in whole milliseconds; never too early.
---@param seconds number longer than a month is taken for a month
---@return integer
function M.milliseconds(seconds)
  return math.ceil(math.min(math.max(seconds, 0) * 1000, MOST))
end

return M
