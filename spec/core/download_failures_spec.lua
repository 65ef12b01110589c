-- Downloads that fail: no file is left, complete or partial, whatever the server or the caller does.
local core = require "openhands.core"
local files = require "spec.support.files"
local canary = require "spec.support.canary"
local raw_download = require "spec.support.raw_download"
local raw_server = require "spec.support.raw_server"

local zip, head = raw_download.zip, raw_download.head

describe("a download that fails", function()
  local here = raw_download.new()

  setup(raw_download.warm_up)
  before_each(here.prepare)
  after_each(here.finish)

  describe("leaves no file", function()
    local function fails(kind, answer)
      here.serve(answer)
      local value, err = here.download()
      assert.is_nil(value)
      assert.equal(kind, err.kind, err.reason)
      assert.equal("download", err.operation)
      canary.assert_no_secret(err)
      here.assert_nothing()
      return err
    end

    -- A cut in a compressed body might stay undetected.
    it("when the body is compressed though this was not requested, complete or cut", function()
      local packed = "\31\139\8\0\0\0\0\0\0\3\43\201\72\85\72\203\204\73\5\0\96\26\66\193\8\0\0\0"
      for _, bytes in ipairs { packed, packed:sub(1, 14), packed:sub(1, -9) } do
        local err = fails("protocol", function()
          return raw_server.answer(bytes, head .. "Content-Encoding: gzip\r\n")
        end)
        assert.is_truthy(err.reason)
        here.client:close()
        here.server:close()
      end
    end)

    it("when nothing marks the end of the body", function()
      for _, body in ipairs { zip, "" } do
        for _, status_line in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 OK\r\n" } do
          for _, line in ipairs { "", "Transfer-Encoding: identity\r\n" } do
            local err = fails("protocol", status_line .. head .. line .. "\r\n" .. body)
            assert.is_true(err.retryable)
            assert.matches("does not mark its end", err.reason)
            here.client:close()
            here.server:close()
          end
        end
      end
    end)

    it("when the answer is cut at any byte", function()
      local with_length = raw_server.answer("0123456789", head)
      local in_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"
      for _, answer in ipairs { with_length, in_chunks } do
        local kept = 1
        here.serve(function(_, connection)
          connection:write(answer:sub(1, kept))
          connection:close()
        end)
        for length = 1, #answer - 1 do
          kept = length
          local value, err = here.download()
          local complete = answer == in_chunks and value and files.read(here.path) == "0123456789"
          assert(value == nil or complete, ("complete after %d of %d bytes"):format(length, #answer))
          if value then
            os.remove(here.path)
          else
            assert.is_truthy(err.kind == "protocol" or err.kind == "connect", err.kind)
          end
          here.assert_nothing()
        end
        here.client:close()
        here.server:close()
      end
    end)

    it("when the service answers with an error", function()
      local err = fails("not_found", raw_server.answer('{"detail":"no such conversation"}', nil, "404 Not Found"))
      assert.same({ detail = "no such conversation" }, err.detail)
      assert.equal(404, err.status)
    end)

    it("when the answer is HTML", function()
      fails("protocol", raw_server.answer("<html>" .. zip, "Content-Type: text/html; charset=utf-8\r\n"))
    end)

    for status in ("204 No Content/206 Partial Content/201 Created/302 Found/304 Not Modified"):gmatch "[^/]+" do
      it("when the answer is " .. status, function()
        local body = status:find "^[23]04" and "" or zip
        local err = fails("protocol", raw_server.answer(body, head .. "Location: /elsewhere\r\n", status))
        assert.equal(tonumber(status:match "%d+"), err.status)
        assert.equal(1, #here.server.requests)
      end)
    end

    it("when the body has an unknown encoding", function()
      fails("protocol", raw_server.answer(zip, head .. "Content-Encoding: x-unknown\r\n"))
    end)

    it("when an error exceeds max_body", function()
      here.serve(function() return raw_server.answer(zip, head, "500 Oh") end)
      local value, err = here.download(here.path, { max_body = 100 })
      assert.is_nil(value)
      assert.equal("server", err.kind)
      here.assert_nothing()
    end)

    it("when there is no server", function()
      here.serve ""
      here.server:close()
      local value, err = here.download()
      here.server = nil
      assert.is_nil(value)
      assert.equal("connect", err.kind)
      here.assert_nothing()
    end)

    it("when its timeout passes", function()
      here.serve_half()
      local value, err = here.download(here.path, { timeout = 0.2 })
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      here.assert_nothing()
    end)

    it("when it is cancelled", function()
      here.serve_half()
      local number = assert(here.begin())
      here.run_until_begun(number)
      assert.equal("trajectory.zip.part", here.entries())
      assert.is_true(here.client:cancel(number))
      local _, value, err = here.client:next()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      here.assert_nothing()
    end)

    it("when the client is closed or collected", function()
      for _, leave in ipairs { function() here.client:close() end, collectgarbage } do
        here.serve_half()
        here.run_until_begun(assert(here.begin()))
        assert.equal("trajectory.zip.part", here.entries())
        if leave == collectgarbage then here.client = nil end
        leave()
        leave()
        here.client = nil
        here.assert_nothing()
        here.server:close()
      end
    end)
  end)

  -- Plain text does not show whether it is complete either.
  it("is detected, too, when the result is text and not a file", function()
    local secret = { sandbox_id = "s", name = "TOKEN", session_api_key = "a-session-key-of-a-spec" }
    local function read_secret()
      return raw_server.await(here.client, assert(core["sandboxes.secret"](here.client, secret, { api = "v1" })))
    end
    here.serve(function() return raw_server.answer("the value", "Content-Type: text/plain\r\n") end)
    assert.equal("the value", (read_secret()))
    here.client:close()
    here.server:close()
    for _, answer in ipairs {
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nthe va",
      raw_server.answer("the value", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"),
    } do
      here.serve(answer)
      local value, err = read_secret()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      here.client:close()
      here.server:close()
    end
  end)
end)
