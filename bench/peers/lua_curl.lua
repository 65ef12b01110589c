-- Lua-cURLv3 and lua-cjson. Calls in flight at the same time are handles of its multi interface.
local cjson = require "cjson"
local curl = require "cURL"
local work = require "work"

if work.name == "version" then
  print(curl._VERSION)
  return
end

local answers = {} -- the parts of each handle's answer

local function handle()
  local easy
  easy = curl.easy {
    httpheader = { "Authorization: Bearer bench", "Accept: application/json", "Content-Type: application/json" },
    useragent = "bench",
    nosignal = true,
    cainfo = os.getenv "BENCH_CA",
    fresh_connect = work.name == "start",
    forbid_reuse = work.name == "start",
    writefunction = function(bytes)
      local parts = answers[easy]
      parts[#parts + 1] = bytes
      return true
    end,
  }
  return easy
end

local function prepare(easy, id)
  local path, body = work.request(id)
  answers[easy] = {}
  easy:setopt_url(work.base .. path)
  if body then
    easy:setopt_postfields(cjson.encode(body))
  end
end

local function check(easy, id)
  assert(easy:getinfo_response_code() == 200)
  work.check(cjson.decode(table.concat(answers[easy])), id)
end

if work.name:find "^many" then
  local multi, take, finish = curl.multi(), work.queue()
  local ids, left = {}, 0
  for _ = 1, work.in_flight do
    local easy, id = handle(), take()
    ids[easy], left = id, left + 1
    prepare(easy, id)
    multi:add_handle(easy)
  end
  while left > 0 do
    multi:perform()
    local easy, good, err = multi:info_read(true)
    while easy and easy ~= 0 do
      assert(good, err)
      check(easy, ids[easy])
      finish()
      ids[easy] = take()
      if ids[easy] then
        prepare(easy, ids[easy])
        multi:add_handle(easy)
      else
        left = left - 1
      end
      easy, good, err = multi:info_read(true)
    end
    if left > 0 then
      multi:wait(1000)
    end
  end
else
  local easy = handle()
  work.sequence(function(id)
    prepare(easy, id)
    easy:perform()
    check(easy, id)
  end)
end
