-- Prints a page of a hundred events, about 293 KB: `lua events.lua >events.json`. Half of them are actions of an agent
-- that edits and tests a program, half what came of them.
local thought = ("Let me look at the next part of the module. "):rep(6)
local output = ('  def convert(self, value, *, strict=False):  # \\"quoted\\" caf\195\169\\n'):rep(62)

local action = [[{
"id":"0198c6a1-0000-7a10-8000-@","timestamp":"2026-08-20T09:15:14.310022","source":"agent","parent_id":null,
"thought":[{"cache_prompt":false,"type":"text","text":"THOUGHT"}],"reasoning_content":null,"thinking_blocks":[],
"responses_reasoning_item":null,"action":{"kind":"TerminalAction","command":"python -m pytest -x tests/test_@.py",
"is_input":false,"timeout":null,"reset":false},"tool_name":"terminal","tool_call_id":"toolu_@","tool_call":{
"id":"toolu_@","name":"terminal","arguments":"{\"command\": \"python -m pytest -x tests/test_@.py\"}",
"origin":"completion"},"llm_response_id":"chatcmpl-@","security_risk":"LOW","critic_result":null,
"summary":"run the test","kind":"ActionEvent"}]]

local observation = [[{
"id":"0198c6a1-0000-7a10-8000-@","timestamp":"2026-08-20T09:15:22.000900","source":"environment",
"parent_id":"0198c6a1-0000-7a10-8000-000000000002","tool_name":"terminal","tool_call_id":"toolu_@","observation":{
"kind":"TerminalObservation","content":[{"cache_prompt":false,"type":"text","text":"OUTPUT"}],"is_error":false,
"command":"python -m pytest -x tests/test_@.py","exit_code":0,"timeout":false,"metadata":{"exit_code":0,"pid":-1,
"username":"openhands","hostname":"runtime","working_dir":"/workspace/project","py_interpreter_path":"/usr/bin/python",
"prefix":"","suffix":"","seconds":1.25},"full_output_save_dir":null},"action_id":"0198c6a1-0000-7a10-8000-000000000002",
"extended_content":[],"kind":"ObservationEvent"}]]

local list = {}
for place = 1, 100 do
  local event = place % 2 == 1 and action or observation
  list[place] = event:gsub("\n", ""):gsub("@", ("%012d"):format(place)):gsub("THOUGHT", thought)
    :gsub("OUTPUT", (output:gsub("%%", "%%%%")))
end
io.write('{"items":[', table.concat(list, ","), '],"next_page_id":null}')
