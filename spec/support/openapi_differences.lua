--- Where the published documents are wrong or behind, and why we do it otherwise: by dialect, and by what
-- `openapi.complaints` says of a row. The specs want each difference to be one still.

local BY_HAND = "the server reads this body by hand, so its document knows nothing of it"
local IN_CODE = "the server's code has it, its document does not"
local SESSION_KEY = "the sandbox's own key is wanted, which the server looks for by hand"
local OLD = "the document is older than the agent server"

return {
  v0 = {
    ["GET /api/conversations: query 'include_sub_conversations' is not published"] = IN_CODE,
    ["POST /api/conversations/{}/message: is not published"] = IN_CODE,
    ["POST /api/conversations/{}/events: body is not a table with string keys there"] = BY_HAND,
    ["GET /api/conversations/{}/vscode-url: is not published"] = IN_CODE,
    ["GET /api/conversations/{}/web-hosts: is not published"] = IN_CODE,
  },
  v1 = {
    ["POST /api/v1/conversations/{}/pending-messages: body 'content' is not published"] = BY_HAND,
    ["GET /api/v1/app-conversations/{}/files: is not published"] = IN_CODE,
    ["GET /api/v1/sandboxes/{}/settings/secrets: header 'X-Session-API-Key' is not published"] = SESSION_KEY,
    ["GET /api/v1/sandboxes/{}/settings/secrets/{}: header 'X-Session-API-Key' is not published"] = SESSION_KEY,
    ["GET /api/quota/status: is not published"] = IN_CODE,
  },
  agent = {
    ["GET /api/conversations/{}/agent_final_response: is not published"] = OLD,
    ["POST /api/conversations/{}/interrupt: is not published"] = OLD,
    -- In the document the path of the file is a part of the URL, where proxies mangle it.
    ["POST /api/file/upload: is not published"] = OLD,
    ["GET /api/file/download: is not published"] = OLD,
    ["GET /api/git/changes: is not published"] = OLD,
    ["GET /api/git/diff: is not published"] = OLD,
  },
}
