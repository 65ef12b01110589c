---@meta
--- Types of the calls that are one request each, for editors. Written by `make reference` from the core's table;
--- the calls that are composed of several are in types/init.lua.

--- Fields of `add_event`. Adds a raw action to the events.
---@class openhands.add_event.Fields
---@field event table

--- Fields of `available_skills`. Lists the available skills.
---@class openhands.available_skills.Fields
---@field page_id? string
---@field limit? integer

--- Fields of `changes`. Lists the files that differ from git.
---@class openhands.changes.Fields
---@field path? string (V1)
---@field ref? string (V1)

--- Fields of `count`. Counts the conversations of the account.
---@class openhands.count.Fields
---@field title__contains? string
---@field created_at__gte? string
---@field created_at__lt? string
---@field updated_at__gte? string
---@field updated_at__lt? string
---@field sandbox_id__eq? string

--- Fields of `diff`. Returns one file before and after its changes.
---@class openhands.diff.Fields
---@field path string
---@field ref? string (V1)

--- Fields of `event_batch`. Returns events by their ids.
---@class openhands.event_batch.Fields
---@field event_id string|string[]

--- Fields of `event_count`. Counts the events of a conversation.
---@class openhands.event_count.Fields
---@field kind__eq? string
---@field timestamp__gte? string
---@field timestamp__lt? string

--- Fields of `events`. Lists the events of a conversation; also takes `after` and `follow` (see `doc/service.md`).
---@class openhands.events.Fields
---@field start_id? integer (V0)
---@field end_id? integer (V0)
---@field reverse? boolean (V0)
---@field limit? integer
---@field kind__eq? string (V1)
---@field timestamp__gte? string (V1)
---@field timestamp__lt? string (V1)
---@field sort_order? string (V1)
---@field page_id? string (V1)

--- Fields of `file`. Returns the text of a file in the workspace; on V1 a missing file may also give an empty text.
---@class openhands.file.Fields
---@field path string

--- Fields of `files`. Lists the names of files in the workspace.
---@class openhands.files.Fields
---@field path? string

--- Fields of `list`. Lists the conversations of the account, newest first.
---@class openhands.list.Fields
---@field selected_repository? string (V0)
---@field repository? string (V0)
---@field conversation_trigger? string (V0)
---@field include_sub_conversations? boolean
---@field page_id? string
---@field limit? integer
---@field title__contains? string (V1)
---@field created_at__gte? string (V1)
---@field created_at__lt? string (V1)
---@field updated_at__gte? string (V1)
---@field updated_at__lt? string (V1)
---@field sandbox_id__eq? string (V1)

--- Fields of `marketplace_skills`. Lists the skills of marketplaces; the list of marketplaces is sent as the body.
---@class openhands.marketplace_skills.Fields
---@field marketplaces table[]

--- Fields of `models`. Lists the available models.
---@class openhands.models.Fields
---@field query? string
---@field verified__eq? boolean
---@field provider__eq? string
---@field page_id? string
---@field limit? integer

--- Fields of `providers`. Lists the providers of models.
---@class openhands.providers.Fields
---@field query? string
---@field verified__eq? boolean
---@field page_id? string
---@field limit? integer

--- Fields of `queue_message`. Queues a message for a starting conversation; takes its id or that of its start task.
---@class openhands.queue_message.Fields
---@field content string|table[]

--- Fields of `send`. Sends a message to a running conversation.
---@class openhands.send.Fields
---@field content string|table[]
---@field run? boolean (V1)

--- Fields of `start_again`. Restarts the runtime of a stopped conversation.
---@class openhands.start_again.Fields
---@field providers_set? string[]

--- Fields of `switch_model`. Switches the conversation to another model (ACP agents).
---@class openhands.switch_model.Fields
---@field model string

--- Fields of `switch_profile`. Switches the conversation to another model profile.
---@class openhands.switch_profile.Fields
---@field profile_name string

--- Fields of `update`. Changes the title and other fields of a conversation; returns the conversation.
---@class openhands.update.Fields
---@field title string
---@field ["public"]? boolean (V1)
---@field repository? string (V1)
---@field selected_repository? string (V1)
---@field selected_branch? string (V1)
---@field git_provider? string (V1)

--- Fields of `upload`. Uploads files to the workspace.
---@class openhands.upload.Fields
---@field files table<string, string>

--- Fields of `device.token`. Checks whether a login in the browser is complete.
---@class openhands.device.token.Fields
---@field device_code string

--- Fields of `git.branches`. Lists the branches of a repository; `query` is required but may be empty.
---@class openhands.git.branches.Fields
---@field provider string
---@field repository string
---@field query string
---@field page_id? string
---@field limit? integer

--- Fields of `git.installations`. Lists the installations of the git host's app.
---@class openhands.git.installations.Fields
---@field provider string
---@field page_id? string
---@field limit? integer

--- Fields of `git.repositories`. Lists the repositories that the account can access.
---@class openhands.git.repositories.Fields
---@field provider string
---@field query? string
---@field installation_id? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

--- Fields of `git.suggested_tasks`. Lists the tasks that the service suggests.
---@class openhands.git.suggested_tasks.Fields
---@field page_id? string
---@field limit? integer

--- Fields of `keys.create`. Creates an API key; its value is returned only here.
---@class openhands.keys.create.Fields
---@field name? string
---@field not_before? string
---@field expires_at? string
---@field org_id? string

--- Fields of `profiles.rename`. Renames a model profile.
---@class openhands.profiles.rename.Fields
---@field new_name string

--- Fields of `profiles.save`. Creates or changes a model profile.
---@class openhands.profiles.save.Fields
---@field llm? table
---@field include_secrets? boolean
---@field preserve_existing_api_key? boolean

--- Fields of `sandbox_specs.list`. Lists the sandbox specifications.
---@class openhands.sandbox_specs.list.Fields
---@field page_id? string
---@field limit? integer

--- Fields of `sandboxes.list`. Lists the sandboxes of the account.
---@class openhands.sandboxes.list.Fields
---@field page_id? string
---@field limit? integer

--- Fields of `sandboxes.secret`. Returns the value of one secret of a sandbox.
---@class openhands.sandboxes.secret.Fields
---@field name string
---@field session_api_key? string

--- Fields of `sandboxes.secrets`. Lists the names of the secrets of a sandbox.
---@class openhands.sandboxes.secrets.Fields
---@field session_api_key? string

--- Fields of `sandboxes.start`. Starts an empty sandbox.
---@class openhands.sandboxes.start.Fields
---@field sandbox_spec_id? string

--- Fields of `secrets.create`. Creates a secret; the service may overwrite one of that name.
---@class openhands.secrets.create.Fields
---@field name string
---@field value string
---@field description? string

--- Fields of `secrets.list`. Lists the names of the account's secrets.
---@class openhands.secrets.list.Fields
---@field name__contains? string (V1)
---@field page_id? string (V1)
---@field limit? integer (V1)

--- Fields of `secrets.set_git_providers`. Connects git hosts by access tokens.
---@class openhands.secrets.set_git_providers.Fields
---@field provider_tokens table
---@field mcp_config? table

--- Fields of `secrets.update`. Changes the description of a secret.
---@class openhands.secrets.update.Fields
---@field description? string

--- Fields of `settings.update`. Changes settings; `agent_settings_diff` and `conversation_settings_diff` change objects.
---@class openhands.settings.update.Fields
---@field settings table

--- Fields of `shared.event`. Returns one event of a public conversation.
---@class openhands.shared.event.Fields
---@field event_id string

--- Fields of `shared.event_batch`. Returns events of a public conversation by their ids.
---@class openhands.shared.event_batch.Fields
---@field event_id string|string[]

--- Fields of `shared.event_count`. Counts the events of a public conversation.
---@class openhands.shared.event_count.Fields
---@field kind__eq? string
---@field timestamp__gte? string
---@field timestamp__lt? string

--- Fields of `shared.events`. Lists the events of a public conversation.
---@class openhands.shared.events.Fields
---@field kind__eq? string
---@field timestamp__gte? string
---@field timestamp__lt? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

--- Fields of `start_tasks.count`. Counts the start tasks.
---@class openhands.start_tasks.count.Fields
---@field created_at__gte? string
---@field conversation_id__eq? string

--- Fields of `start_tasks.list`. Lists recent start tasks.
---@class openhands.start_tasks.list.Fields
---@field created_at__gte? string
---@field conversation_id__eq? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

---@class (partial) openhands.Client
---@field add_event fun(self: openhands.Client, conversation: string|openhands.Conversation, event: table, options: openhands.Settings|nil): table?, openhands.Error?
---@field alive fun(self: openhands.Client, options: openhands.Settings|nil): any, openhands.Error?
---@field available_skills fun(self: openhands.Client, fields: openhands.available_skills.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field changes fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.changes.Fields|string|nil, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field configuration fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field count fun(self: openhands.Client, fields: openhands.count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field credits fun(self: openhands.Client, options: openhands.Settings|nil): table?, openhands.Error?
---@field diff fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.diff.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_batch fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.event_batch.Fields|string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field event_count fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field files fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.files.Fields|string|nil, options: openhands.Settings|nil): string[]?, openhands.Error?
---@field health fun(self: openhands.Client, options: openhands.Settings|nil): any, openhands.Error?
---@field hooks fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field marketplace_skills fun(self: openhands.Client, marketplaces: table, options: openhands.Settings|nil): table?, openhands.Error?
---@field me fun(self: openhands.Client, options: openhands.Settings|nil): table?, openhands.Error?
---@field models fun(self: openhands.Client, fields: openhands.models.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field providers fun(self: openhands.Client, fields: openhands.providers.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field queue_message fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.queue_message.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field quota fun(self: openhands.Client, options: openhands.Settings|nil): table?, openhands.Error?
---@field ready fun(self: openhands.Client, options: openhands.Settings|nil): any, openhands.Error?
---@field send fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.send.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field server_info fun(self: openhands.Client, options: openhands.Settings|nil): table?, openhands.Error?
---@field skills fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_model fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.switch_model.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_profile fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.switch_profile.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field trajectory fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field upload fun(self: openhands.Client, conversation: string|openhands.Conversation, fields: openhands.upload.Fields|table<string, string>, options: openhands.Settings|nil): table?, openhands.Error?
---@field vscode_url fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field web_client_config fun(self: openhands.Client, options: openhands.Settings|nil): table?, openhands.Error?
---@field web_hosts fun(self: openhands.Client, conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands
---@field add_event fun(conversation: string|openhands.Conversation, event: table, options: openhands.Settings|nil): table?, openhands.Error?
---@field alive fun(options: openhands.Settings|nil): any, openhands.Error?
---@field available_skills fun(fields: openhands.available_skills.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field changes fun(conversation: string|openhands.Conversation, fields: openhands.changes.Fields|string|nil, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field configuration fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field count fun(fields: openhands.count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field credits fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field diff fun(conversation: string|openhands.Conversation, fields: openhands.diff.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_batch fun(conversation: string|openhands.Conversation, fields: openhands.event_batch.Fields|string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field event_count fun(conversation: string|openhands.Conversation, fields: openhands.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field files fun(conversation: string|openhands.Conversation, fields: openhands.files.Fields|string|nil, options: openhands.Settings|nil): string[]?, openhands.Error?
---@field health fun(options: openhands.Settings|nil): any, openhands.Error?
---@field hooks fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field marketplace_skills fun(marketplaces: table, options: openhands.Settings|nil): table?, openhands.Error?
---@field me fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field models fun(fields: openhands.models.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field providers fun(fields: openhands.providers.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field queue_message fun(conversation: string|openhands.Conversation, fields: openhands.queue_message.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field quota fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field ready fun(options: openhands.Settings|nil): any, openhands.Error?
---@field send fun(conversation: string|openhands.Conversation, fields: openhands.send.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field server_info fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field skills fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_model fun(conversation: string|openhands.Conversation, fields: openhands.switch_model.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_profile fun(conversation: string|openhands.Conversation, fields: openhands.switch_profile.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field trajectory fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field upload fun(conversation: string|openhands.Conversation, fields: openhands.upload.Fields|table<string, string>, options: openhands.Settings|nil): table?, openhands.Error?
---@field vscode_url fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field web_client_config fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field web_hosts fun(conversation: string|openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Conversation
---@field add_event fun(self: openhands.Conversation, event: table, options: openhands.Settings|nil): table?, openhands.Error?
---@field changes fun(self: openhands.Conversation, fields: openhands.changes.Fields|string|nil, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field configuration fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field diff fun(self: openhands.Conversation, fields: openhands.diff.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_batch fun(self: openhands.Conversation, fields: openhands.event_batch.Fields|string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field event_count fun(self: openhands.Conversation, fields: openhands.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field files fun(self: openhands.Conversation, fields: openhands.files.Fields|string|nil, options: openhands.Settings|nil): string[]?, openhands.Error?
---@field hooks fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field queue_message fun(self: openhands.Conversation, fields: openhands.queue_message.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field send fun(self: openhands.Conversation, fields: openhands.send.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field skills fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_model fun(self: openhands.Conversation, fields: openhands.switch_model.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_profile fun(self: openhands.Conversation, fields: openhands.switch_profile.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field trajectory fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field upload fun(self: openhands.Conversation, fields: openhands.upload.Fields|table<string, string>, options: openhands.Settings|nil): table?, openhands.Error?
---@field vscode_url fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?
---@field web_hosts fun(self: openhands.Conversation, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.device
---@field authorize fun(self: openhands.Client.device, options: openhands.Settings|nil): table?, openhands.Error?
---@field token fun(self: openhands.Client.device, fields: openhands.device.token.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.device
---@field authorize fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field token fun(fields: openhands.device.token.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.git
---@field branches fun(self: openhands.Client.git, fields: openhands.git.branches.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field identity fun(self: openhands.Client.git, options: openhands.Settings|nil): table?, openhands.Error?
---@field installations fun(self: openhands.Client.git, fields: openhands.git.installations.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field organizations fun(self: openhands.Client.git, options: openhands.Settings|nil): table?, openhands.Error?
---@field repositories fun(self: openhands.Client.git, fields: openhands.git.repositories.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field suggested_tasks fun(self: openhands.Client.git, fields: openhands.git.suggested_tasks.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.git
---@field branches fun(fields: openhands.git.branches.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field identity fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field installations fun(fields: openhands.git.installations.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field organizations fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field repositories fun(fields: openhands.git.repositories.Fields|string, options: openhands.Settings|nil): openhands.Pages
---@field suggested_tasks fun(fields: openhands.git.suggested_tasks.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.Client.keys
---@field create fun(self: openhands.Client.keys, fields: openhands.keys.create.Fields|nil, options: openhands.Settings|nil): table?, openhands.Error?
---@field current fun(self: openhands.Client.keys, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(self: openhands.Client.keys, key_id: integer, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(self: openhands.Client.keys, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field llm fun(self: openhands.Client.keys, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.keys
---@field create fun(fields: openhands.keys.create.Fields|nil, options: openhands.Settings|nil): table?, openhands.Error?
---@field current fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(key_id: integer, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(options: openhands.Settings|nil): table[]?, openhands.Error?
---@field llm fun(options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.profiles
---@field activate fun(self: openhands.Client.profiles, name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(self: openhands.Client.profiles, name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field get fun(self: openhands.Client.profiles, name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(self: openhands.Client.profiles, options: openhands.Settings|nil): table?, openhands.Error?
---@field rename fun(self: openhands.Client.profiles, name: string, fields: openhands.profiles.rename.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field save fun(self: openhands.Client.profiles, name: string, fields: openhands.profiles.save.Fields|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.profiles
---@field activate fun(name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field get fun(name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field rename fun(name: string, fields: openhands.profiles.rename.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field save fun(name: string, fields: openhands.profiles.save.Fields|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.sandbox_specs
---@field get fun(self: openhands.Client.sandbox_specs, sandbox_spec_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(self: openhands.Client.sandbox_specs, fields: openhands.sandbox_specs.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.sandbox_specs
---@field get fun(sandbox_spec_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(fields: openhands.sandbox_specs.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.Client.sandboxes
---@field delete fun(self: openhands.Client.sandboxes, sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field get fun(self: openhands.Client.sandboxes, sandbox_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(self: openhands.Client.sandboxes, fields: openhands.sandboxes.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field pause fun(self: openhands.Client.sandboxes, sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field resume fun(self: openhands.Client.sandboxes, sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field secret fun(self: openhands.Client.sandboxes, sandbox_id: string, fields: openhands.sandboxes.secret.Fields|string, options: openhands.Settings|nil): string?, openhands.Error?
---@field secrets fun(self: openhands.Client.sandboxes, sandbox_id: string, fields: openhands.sandboxes.secrets.Fields|string|nil, options: openhands.Settings|nil): any, openhands.Error?
---@field start fun(self: openhands.Client.sandboxes, fields: openhands.sandboxes.start.Fields|string|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.sandboxes
---@field delete fun(sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field get fun(sandbox_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(fields: openhands.sandboxes.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field pause fun(sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field resume fun(sandbox_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field secret fun(sandbox_id: string, fields: openhands.sandboxes.secret.Fields|string, options: openhands.Settings|nil): string?, openhands.Error?
---@field secrets fun(sandbox_id: string, fields: openhands.sandboxes.secrets.Fields|string|nil, options: openhands.Settings|nil): any, openhands.Error?
---@field start fun(fields: openhands.sandboxes.start.Fields|string|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.secrets
---@field create fun(self: openhands.Client.secrets, fields: openhands.secrets.create.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(self: openhands.Client.secrets, name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete_git_providers fun(self: openhands.Client.secrets, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(self: openhands.Client.secrets, fields: openhands.secrets.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field set_git_providers fun(self: openhands.Client.secrets, fields: openhands.secrets.set_git_providers.Fields|table, options: openhands.Settings|nil): table?, openhands.Error?
---@field update fun(self: openhands.Client.secrets, name: string, fields: openhands.secrets.update.Fields|string|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.secrets
---@field create fun(fields: openhands.secrets.create.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(name: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete_git_providers fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(fields: openhands.secrets.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field set_git_providers fun(fields: openhands.secrets.set_git_providers.Fields|table, options: openhands.Settings|nil): table?, openhands.Error?
---@field update fun(name: string, fields: openhands.secrets.update.Fields|string|nil, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.settings
---@field get fun(self: openhands.Client.settings, options: openhands.Settings|nil): table?, openhands.Error?
---@field update fun(self: openhands.Client.settings, settings: table, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.settings
---@field get fun(options: openhands.Settings|nil): table?, openhands.Error?
---@field update fun(settings: table, options: openhands.Settings|nil): table?, openhands.Error?

---@class (partial) openhands.Client.shared
---@field event fun(self: openhands.Client.shared, conversation: string|openhands.Conversation, fields: openhands.shared.event.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_batch fun(self: openhands.Client.shared, conversation: string|openhands.Conversation, fields: openhands.shared.event_batch.Fields|string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field event_count fun(self: openhands.Client.shared, conversation: string|openhands.Conversation, fields: openhands.shared.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field events fun(self: openhands.Client.shared, conversation: string|openhands.Conversation, fields: openhands.shared.events.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field get fun(self: openhands.Client.shared, conversations: string|(string|openhands.Conversation)[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?

---@class (partial) openhands.shared
---@field event fun(conversation: string|openhands.Conversation, fields: openhands.shared.event.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_batch fun(conversation: string|openhands.Conversation, fields: openhands.shared.event_batch.Fields|string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field event_count fun(conversation: string|openhands.Conversation, fields: openhands.shared.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field events fun(conversation: string|openhands.Conversation, fields: openhands.shared.events.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field get fun(conversations: string|(string|openhands.Conversation)[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?

---@class (partial) openhands.Client.start_tasks
---@field count fun(self: openhands.Client.start_tasks, fields: openhands.start_tasks.count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field get fun(self: openhands.Client.start_tasks, start_task_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(self: openhands.Client.start_tasks, fields: openhands.start_tasks.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.start_tasks
---@field count fun(fields: openhands.start_tasks.count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field get fun(start_task_id: string|string[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field list fun(fields: openhands.start_tasks.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages

---@class (partial) openhands.Client
---@field device openhands.Client.device
---@field git openhands.Client.git
---@field keys openhands.Client.keys
---@field profiles openhands.Client.profiles
---@field sandbox_specs openhands.Client.sandbox_specs
---@field sandboxes openhands.Client.sandboxes
---@field secrets openhands.Client.secrets
---@field settings openhands.Client.settings
---@field shared openhands.Client.shared
---@field start_tasks openhands.Client.start_tasks

---@class (partial) openhands
---@field device openhands.device
---@field git openhands.git
---@field keys openhands.keys
---@field profiles openhands.profiles
---@field sandbox_specs openhands.sandbox_specs
---@field sandboxes openhands.sandboxes
---@field secrets openhands.secrets
---@field settings openhands.settings
---@field shared openhands.shared
---@field start_tasks openhands.start_tasks

--- Fields of `archive`. Saves a directory as an archive or a patch (`agent:archive(path, target)`).
---@class openhands.agent.archive.Fields
---@field path string
---@field format? string
---@field base_ref? string
---@field use_default_excludes? boolean
---@field exclude? string[]

--- Fields of `ask`. Asks the agent a question without affecting its work.
---@class openhands.agent.ask.Fields
---@field question string

--- Fields of `changes`. Lists the files of a repository that differ from git.
---@class openhands.agent.changes.Fields
---@field path string
---@field ref? string

--- Fields of `command_events`. Lists the output of commands.
---@class openhands.agent.command_events.Fields
---@field command_id__eq? string
---@field order__gt? integer
---@field kind__eq? string
---@field timestamp__gte? string
---@field timestamp__lt? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

--- Fields of `commit_changes`. Lists the files that a commit changed.
---@class openhands.agent.commit_changes.Fields
---@field path string

--- Fields of `commits`. Lists the commits of a repository, newest first.
---@class openhands.agent.commits.Fields
---@field path string
---@field limit? integer

--- Fields of `confirm`. Accepts or rejects an action that waits for confirmation.
---@class openhands.agent.confirm.Fields
---@field accept boolean
---@field reason? string

--- Fields of `count`. Counts the conversations of the sandbox.
---@class openhands.agent.count.Fields
---@field status? string

--- Fields of `create_directory`. Creates a directory.
---@class openhands.agent.create_directory.Fields
---@field path string

--- Fields of `diff`. Returns one file before and after its changes.
---@class openhands.agent.diff.Fields
---@field path string
---@field ref? string
---@field commit? string

--- Fields of `download`. Saves a file of the sandbox (`download(path, target, { on_progress = … })`).
---@class openhands.agent.download.Fields
---@field path string

--- Fields of `event`. Returns one event by its id.
---@class openhands.agent.event.Fields
---@field event_id string

--- Fields of `event_count`. Counts the events of the conversation.
---@class openhands.agent.event_count.Fields
---@field kind? string
---@field source? string
---@field body? string
---@field timestamp__gte? string
---@field timestamp__lt? string

--- Fields of `events`. Lists the events of the conversation.
---@class openhands.agent.events.Fields
---@field kind? string
---@field source? string
---@field body? string
---@field timestamp__gte? string
---@field timestamp__lt? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

--- Fields of `execute`. Runs a command and waits until it ends.
---@class openhands.agent.execute.Fields
---@field command string
---@field cwd? string
---@field timeout? integer

--- Fields of `fork`. Starts a new conversation with a copy of the events so far.
---@class openhands.agent.fork.Fields
---@field id? string
---@field title? string
---@field tags? table<string, string>
---@field reset_metrics? boolean
---@field from_event_id? string

--- Fields of `list`. Lists the conversations of the sandbox.
---@class openhands.agent.list.Fields
---@field status? string
---@field sort_order? string
---@field page_id? string
---@field limit? integer

--- Fields of `send`. Sends a message to the agent.
---@class openhands.agent.send.Fields
---@field content string|table[]
---@field role? string
---@field run? boolean

--- Fields of `set_confirmation_policy`. Sets which actions need confirmation.
---@class openhands.agent.set_confirmation_policy.Fields
---@field policy table

--- Fields of `set_secrets`. Sets secrets that the agent can use.
---@class openhands.agent.set_secrets.Fields
---@field secrets table<string, string>

--- Fields of `set_security_analyzer`. Sets the analyzer that rates the risk of the agent's actions.
---@class openhands.agent.set_security_analyzer.Fields
---@field security_analyzer table

--- Fields of `start_command`. Starts a command (`agent:bash` follows it).
---@class openhands.agent.start_command.Fields
---@field command string
---@field cwd? string
---@field timeout? integer

--- Fields of `switch_llm`. Switches the conversation to another model.
---@class openhands.agent.switch_llm.Fields
---@field llm table

--- Fields of `switch_model`. Switches the conversation to another model (ACP agents).
---@class openhands.agent.switch_model.Fields
---@field model string

--- Fields of `switch_profile`. Switches the conversation to another model profile.
---@class openhands.agent.switch_profile.Fields
---@field profile_name string

--- Fields of `update`. Changes the title and other fields of the conversation.
---@class openhands.agent.update.Fields
---@field title? string
---@field tags? table<string, string>

--- Fields of `upload`. Uploads a file to the sandbox.
---@class openhands.agent.upload.Fields
---@field path string
---@field contents string

---@class (partial) openhands.Agent
---@field alive fun(self: openhands.Agent, options: openhands.Settings|nil): any, openhands.Error?
---@field ask fun(self: openhands.Agent, fields: openhands.agent.ask.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field changes fun(self: openhands.Agent, fields: openhands.agent.changes.Fields|string, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field command_events fun(self: openhands.Agent, fields: openhands.agent.command_events.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field commit_changes fun(self: openhands.Agent, sha: string, fields: openhands.agent.commit_changes.Fields|string, options: openhands.Settings|nil): table[]?, openhands.Error?
---@field commits fun(self: openhands.Agent, fields: openhands.agent.commits.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field condense fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field confirm fun(self: openhands.Agent, fields: openhands.agent.confirm.Fields|boolean, options: openhands.Settings|nil): table?, openhands.Error?
---@field count fun(self: openhands.Agent, fields: openhands.agent.count.Fields|string|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field create_directory fun(self: openhands.Agent, fields: openhands.agent.create_directory.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field delete fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field diff fun(self: openhands.Agent, fields: openhands.agent.diff.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event fun(self: openhands.Agent, fields: openhands.agent.event.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field event_count fun(self: openhands.Agent, fields: openhands.agent.event_count.Fields|nil, options: openhands.Settings|nil): integer?, openhands.Error?
---@field execute fun(self: openhands.Agent, fields: openhands.agent.execute.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field final_response fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field fork fun(self: openhands.Agent, fields: openhands.agent.fork.Fields|nil, options: openhands.Settings|nil): table?, openhands.Error?
---@field get fun(self: openhands.Agent, conversations: string|(string|openhands.Conversation)[], options: openhands.Settings|nil): table<string, table>?, openhands.Error?
---@field health fun(self: openhands.Agent, options: openhands.Settings|nil): any, openhands.Error?
---@field info fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field interrupt fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field list fun(self: openhands.Agent, fields: openhands.agent.list.Fields|nil, options: openhands.Settings|nil): openhands.Pages
---@field pause fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field ready fun(self: openhands.Agent, options: openhands.Settings|nil): any, openhands.Error?
---@field run fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field send fun(self: openhands.Agent, fields: openhands.agent.send.Fields|string|table[], options: openhands.Settings|nil): table?, openhands.Error?
---@field server_info fun(self: openhands.Agent, options: openhands.Settings|nil): table?, openhands.Error?
---@field set_secrets fun(self: openhands.Agent, fields: openhands.agent.set_secrets.Fields|table<string, string>, options: openhands.Settings|nil): table?, openhands.Error?
---@field set_security_analyzer fun(self: openhands.Agent, fields: openhands.agent.set_security_analyzer.Fields|table, options: openhands.Settings|nil): table?, openhands.Error?
---@field start_command fun(self: openhands.Agent, fields: openhands.agent.start_command.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field stop_command fun(self: openhands.Agent, command_id: string, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_llm fun(self: openhands.Agent, fields: openhands.agent.switch_llm.Fields|table, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_model fun(self: openhands.Agent, fields: openhands.agent.switch_model.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field switch_profile fun(self: openhands.Agent, fields: openhands.agent.switch_profile.Fields|string, options: openhands.Settings|nil): table?, openhands.Error?
---@field update fun(self: openhands.Agent, fields: openhands.agent.update.Fields|string|nil, options: openhands.Settings|nil): table?, openhands.Error?
