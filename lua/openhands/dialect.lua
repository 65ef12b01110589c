--- Which dialect a service speaks, found out with one GET that changes nothing. Never by posting to see what happens.

local M = {}

-- Fields of which an account has at least one.
local account_fields = { "id", "email", "org_id", "org_name", "role", "permissions", "language", "git_user_name" }

local function looks_like_account(answer)
  for _, name in ipairs(account_fields) do
    if answer[name] ~= nil then
      return true
    end
  end
  return false
end

-- What a failed look at the account says of the dialect: "v0" if something else than V1 answered, else nothing.
local function dialect_of_failure(err)
  local redirected = err.status and err.status >= 300 and err.status < 400
  local answered = err.answered and not redirected
  if answered and (err.kind == "protocol" or err.kind == "not_found" or err.kind == "invalid") then
    return "v0"
  end
end

--- Asks for the account, which only V1 knows. What decides nothing is the error of the call that wanted to know.
---@param client openhands.Client
---@param operation string that wants to know, for messages
---@param call table
---@return "v0"|"v1"|nil api, openhands.Error?
function M.ask(client, operation, call)
  local account, err = client:_read("me", nil, call, "v1")
  if account then
    return looks_like_account(account) and "v1" or "v0"
  end
  local api = dialect_of_failure(err)
  if not api then
    err.operation, err.message = operation, err.message:gsub("^me:", operation .. ":")
    return nil, err
  end
  return api
end

return M
