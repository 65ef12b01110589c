--- Streams zip archives with stored (uncompressed) members, one member after the other; never holds a whole archive.
local stream = require "openhands.simulator.encoding.stream"

local M = {}

-- Computes the exclusive or of two numbers: not every Lua has the operator.
local function exclusive_or(one, other)
  local result, bit = 0, 1
  while one > 0 or other > 0 do
    if one % 2 ~= other % 2 then
      result = result + bit
    end
    one, other, bit = math.floor(one / 2), math.floor(other / 2), bit * 2
  end
  return result
end

local xor, rows ---@type any, any

-- Computes `xor`, the exclusive or of every two bytes, and `rows`, the CRC-32 table as four tables of bytes, lowest
-- byte first.
local function prepare()
  xor, rows = {}, { {}, {}, {}, {} }
  local nibble = {}
  for one = 0, 15 do
    for other = 0, 15 do
      nibble[one * 16 + other] = exclusive_or(one, other)
    end
  end
  for one = 0, 255 do
    for other = 0, 255 do
      xor[one * 256 + other] = nibble[math.floor(one / 16) * 16 + math.floor(other / 16)] * 16
        + nibble[one % 16 * 16 + other % 16]
    end
  end
  for byte = 0, 255 do
    local bytes = { byte, 0, 0, 0 }
    for _ = 1, 8 do
      local odd = bytes[1] % 2 == 1
      for index = 1, 4 do
        bytes[index] = math.floor(bytes[index] / 2) + ((bytes[index + 1] or 0) % 2) * 128
      end
      if odd then
        for index, part in ipairs { 0x20, 0x83, 0xB8, 0xED } do
          bytes[index] = xor[bytes[index] * 256 + part]
        end
      end
    end
    for index = 1, 4 do
      rows[index][byte] = bytes[index]
    end
  end
end

--- Returns the CRC-32 of a string as archives store it: four bytes, lowest first.
---@param bytes string
---@return string
function M.checksum(bytes)
  if not xor then
    prepare()
  end
  local table_1, table_2, table_3, table_4, either = rows[1], rows[2], rows[3], rows[4], xor
  local one, two, three, four = 255, 255, 255, 255
  for start = 1, #bytes, 4096 do
    local piece = bytes:sub(start, start + 4095)
    for position = 1, #piece do
      local index = either[one * 256 + piece:byte(position)]
      one = either[two * 256 + table_1[index]]
      two = either[three * 256 + table_2[index]]
      three = either[four * 256 + table_3[index]]
      four = table_4[index]
    end
  end
  return string.char(255 - one, 255 - two, 255 - three, 255 - four)
end

local function little_endian(number, size)
  local bytes = {}
  for index = 1, size do
    bytes[index] = string.char(number % 256)
    number = math.floor(number / 256)
  end
  return table.concat(bytes)
end

local function two(number)
  return little_endian(number, 2)
end
local function four(number)
  return little_endian(number, 4)
end

-- The fields that a member's header and its directory entry share. Every member is dated 1 January 1980.
local function shared_fields(name, content)
  local size = four(#content)
  return two(10) .. two(0) .. two(0) .. two(0) .. two(33) .. M.checksum(content) .. size .. size .. two(#name) .. two(0)
end

local function finish(directory, offset)
  local size = 0
  for _, entry in ipairs(directory) do
    size = size + #entry
  end
  directory[#directory + 1] = "PK\5\6" .. two(0) .. two(0) .. two(#directory):rep(2) .. four(size) .. four(offset)
    .. two(0)
  return table.concat(directory)
end

--- Streams an archive: one piece per member, then one for the directory.
---@param next_member fun(): string?, string? the name and the content of the next member
---@return openhands.simulator.Stream
function M.archive(next_member)
  local directory, offset, ended = {}, 0, false
  return function()
    if ended then
      return nil
    end
    local name, content = next_member()
    if not name then
      ended = true
      return finish(directory, offset)
    end
    local fields = shared_fields(name, content)
    directory[#directory + 1] = "PK\1\2" .. two(10) .. fields .. two(0) .. two(0) .. two(0) .. four(0) .. four(offset)
      .. name
    local piece = "PK\3\4" .. fields .. name .. content
    offset = offset + #piece
    return piece
  end
end

local chunk = 65536

--- Streams an archive of exactly `size` bytes (below 4 GB): one small member, then padding. Readers skip the padding,
-- so it needs no checksum. If `size` is too small for the member and the directory, the archive is truncated.
---@param size integer
---@param name string
---@param content string
---@return openhands.simulator.Stream
function M.padded(size, name, content)
  local fields = shared_fields(name, content)
  local first = "PK\3\4" .. fields .. name .. content
  local entry = "PK\1\2" .. two(10) .. fields .. two(0) .. two(0) .. two(0) .. four(0) .. four(0) .. name
  local gap = size - #first - #entry - 22
  if gap < 0 then
    return stream.from_string((first .. finish({ entry }, #first)):sub(1, size))
  end
  return stream.concat { stream.from_string(first), stream.repeated(("\0"):rep(chunk), gap),
    stream.from_string(finish({ entry }, #first + gap)) }
end

return M
