--- The schemas that several handlers of V1 and the agent server share.
local json = require "openhands.simulator.encoding.json"

local M = {}

M.text, M.maybe_text = { kind = "string" }, { kind = "string", nullable = true }
M.maybe_uuid = { kind = "uuid", nullable = true }
M.maybe_boolean = { kind = "boolean", nullable = true }

M.providers = { "github", "gitlab", "bitbucket", "bitbucket_data_center", "forgejo", "azure_devops", "enterprise_sso" }
M.maybe_provider = { kind = "enum", nullable = true, values = M.providers }

--- Rules of query parameters.
M.limit, M.page_id = { kind = "limit", default = 100 }, { kind = "text" }
M.paging = { limit = M.limit, page_id = M.page_id }
M.ids = { kind = "uuid", list = true, required = true }

--- The content of a message: a list of text and image blocks without unknown fields.
M.blocks = {
  kind = "list",
  of = { kind = "block", schemas = {
    text = { closed = true, fields = {
      type = M.text, text = { kind = "string", required = true }, cache_prompt = { kind = "boolean" },
    } },
    image = { closed = true, fields = {
      type = M.text, image_urls = { kind = "list", of = M.text, required = true }, cache_prompt = { kind = "boolean" },
    } },
  } },
}

--- Returns the texts of a message content, one per line.
---@param content any
---@return string
function M.text_of(content)
  local parts = {}
  for _, block in ipairs(json.is_array(content) and content or {}) do
    parts[#parts + 1] = type(block) == "table" and block.text or nil
  end
  return table.concat(parts, "\n")
end

return M
