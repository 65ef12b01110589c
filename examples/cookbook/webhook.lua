--- A webhook in OpenResty, or nginx with Lua: an agent works on each issue of GitHub that gets the label "openhands".
--
-- In nginx.conf, beside `events` and in a `server` (see examples/openresty/nginx.conf for a whole file):
--
--   env OPENHANDS_API_KEY; env WEBHOOK_SECRET;
--   location = /webhook { client_body_buffer_size 1m; content_by_lua_file webhook.lua; }
--
-- At GitHub: a webhook of content type application/json for the events "Issues", with the same secret.
-- luacheck: globals ngx
local cjson, openhands = require "cjson", require "openhands"

local secret = assert(os.getenv "WEBHOOK_SECRET", "WEBHOOK_SECRET is not set: anyone could start conversations")
ngx.req.read_body()
local body = ngx.req.get_body_data() or ""
local digest = ngx.hmac_sha1(secret, body):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
if ngx.var.http_x_hub_signature ~= "sha1=" .. digest then return ngx.exit(401) end
local event = cjson.decode(body)
if event.action ~= "labeled" or event.label.name ~= "openhands" then return ngx.exit(204) end
local conversation, err = openhands.start {
  conversation_id = ngx.var.http_x_github_delivery, -- the same event, delivered again, starts nothing
  repository = event.repository.full_name,
  initial_user_msg = ("Solve issue #%d (%s), open a pull request."):format(event.issue.number, event.issue.title),
}
ngx.status = conversation and 202 or 502
ngx.say(conversation and conversation.url or tostring(err))
