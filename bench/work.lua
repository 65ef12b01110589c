-- What the programs in Lua share: the works, and what they cost. Run as `lua PEER.lua WORK BASE_URL COUNT [IN_FLIGHT]`;
-- peers/work.h says what the works are. With the work `version` a peer prints its version.
local M = {
  name = arg[1],
  base = arg[2],
  count = tonumber(arg[3]),
  in_flight = tonumber(arg[4]) or 1000,
}

local paths = {
  v1 = "/api/v1/app-conversations?ids=%s",
  events = "/api/v1/conversation/%s/events/search?limit=100",
  start = "/api/v1/app-conversations",
}

--- Returns the id of the conversation of a call. Calls one after the other take fifty conversations in turn; calls in
--- flight at the same time have a conversation each.
function M.id(number)
  return ("7f3b9a1c2d4e4f60a1b2%012x"):format(number % (M.name:find "^many" and M.in_flight or 50))
end

--- Returns the path of a call, and for a POST its body before it is encoded.
function M.request(id)
  local path = (paths[M.name] or "/api/conversations/%s"):format(id)
  return path, M.name == "start" and {
    conversation_id = id,
    selected_repository = "acme/widgets",
    initial_message = { role = "user", content = { { type = "text", text = "Fix the typo in README.md." } } },
  } or nil
end

--- Raises unless a decoded answer is that of the conversation.
function M.check(answer, id)
  if M.name == "events" then
    assert(#answer.items == 100)
  elseif M.name == "start" then
    assert(answer.request.conversation_id == id)
  else
    assert((M.name == "v1" and answer[1].id or answer.conversation_id) == id)
  end
end

--- Prints the CPU microseconds of a call since `before`, the peak of the memory in KB, and more.
function M.report(before, more)
  local spent, peak = os.clock() - before, 0
  for line in io.lines "/proc/self/status" do
    peak = tonumber(line:match "^VmHWM:%s*(%d+)") or peak
  end
  print(("%.2f %d%s"):format(spent / math.max(M.count, 1) * 1e6, peak, more and " " .. more or ""))
end

--- Makes the calls one after the other: runs `once(id)` for each. The first ten connect and warm up, and are not
--- measured; the work `first` has none of these.
function M.sequence(once)
  local before = 0
  for number = M.name == "first" and 1 or -9, M.count do
    if number == 1 then
      before = os.clock()
    end
    once(M.id(number + 9))
  end
  M.report(before)
end

--- Returns a function that gives each caller the id of its next call, or nil at the end; and one to call after each.
--- The first `in_flight` calls that end connect and warm up, and are not measured.
function M.queue()
  local begun, done, before = 0, 0, 0
  local function take()
    if begun < M.in_flight + M.count then
      begun = begun + 1
      return M.id(begun)
    end
  end
  local function finish()
    done = done + 1
    if done == M.in_flight then
      before = os.clock()
    elseif done == M.in_flight + M.count then
      M.report(before)
    end
  end
  return take, finish
end

--- Ends the program of a peer that cannot do the work.
function M.unsupported()
  os.exit(77)
end

return M
