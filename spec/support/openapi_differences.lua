--- The places where the published documents are wrong or outdated, with the reasons, by dialect and by the text of
-- `openapi.complaints`. A spec fails if an entry is no longer a difference.

local BY_HAND = "the server reads this body by hand, so its document knows nothing of it"
local IN_CODE = "the server's code has it, its document does not"
local SESSION_KEY = "the sandbox's own key is wanted, which the server looks for by hand"
local TWICE = "one field stands in the path twice"
local OLD = "the document is older than the agent server"

return {
  v0 = {
    ["GET /api/conversations: query 'include_sub_conversations' is not published"] = IN_CODE,
    ["POST /api/conversations/{}/message: is not published"] = IN_CODE,
    ["POST /api/conversations/{}/events: body is not a table with string keys there"] = BY_HAND,
    ["GET /api/conversations/{}/vscode-url: is not published"] = IN_CODE,
    ["GET /api/conversations/{}/web-hosts: is not published"] = IN_CODE,
    ["GET /server_info: is not published"] = IN_CODE,
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
    -- In the document the path of the file is part of the URL, where proxies would change it.
    ["POST /api/file/upload: is not published"] = OLD,
    ["GET /api/file/download: is not published"] = OLD,
    ["GET /api/git/changes: is not published"] = OLD,
    ["GET /api/git/diff: is not published"] = OLD,
    ["POST /api/conversations/{}/switch_llm: is not published"] = OLD,
    ["POST /api/conversations/{}/switch_profile: is not published"] = OLD,
    ["POST /api/conversations/{}/switch_acp_model: is not published"] = OLD,
    ["POST /api/conversations/{}/fork: is not published"] = OLD,
    ["GET /api/conversations/{}/runtime: is not published"] = OLD,
    ["POST /api/bash/bash_commands/{}/stop: is not published"] = OLD,
    ["GET /api/file/archive: is not published"] = OLD,
    ["POST /api/file/create_directory: is not published"] = OLD,
    ["GET /api/git/commits: is not published"] = OLD,
    ["GET /api/git/commits/{}/changes: is not published"] = OLD,
    ["POST /api/conversations/{}/bash/bash_commands/{}/stop: is not published"] = OLD,
    ["GET /api/conversations/{}/file/archive: is not published"] = OLD,
    ["POST /api/conversations/{}/file/create_directory: is not published"] = OLD,
    ["GET /api/conversations/{}/git/commits: is not published"] = OLD,
    ["GET /api/conversations/{}/git/commits/{}/changes: is not published"] = OLD,
    ["POST /api/conversations/{}/bash/execute_bash_command: is not published"] = OLD,
    ["POST /api/conversations/{}/bash/start_bash_command: is not published"] = OLD,
    ["GET /api/conversations/{}/bash/bash_events/search: is not published"] = OLD,
    ["POST /api/conversations/{}/file/upload: is not published"] = OLD,
    ["GET /api/conversations/{}/file/download: is not published"] = OLD,
    ["GET /api/conversations/{}/file/download-trajectory/{}: is not published"] = OLD,
    ["GET /api/conversations/{}/file/download-trajectory/{}: path 'conversation_id' has no field"] = TWICE,
    ["GET /api/conversations/{}/git/changes: is not published"] = OLD,
    ["GET /api/conversations/{}/git/diff: is not published"] = OLD,
    ["PATCH /api/conversations/{}: body 'tags' is not published"] = OLD,
    ["PATCH /api/conversations/{}: body 'title' is required there"] = OLD,
  },
}
