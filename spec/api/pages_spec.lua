-- Collections: how they read pages, one by one and all, and what they do about pages that are wrong.

local openhands = require "openhands"
local given_pages = require "spec.support.given_pages"

local items, range, ids_of = given_pages.items, given_pages.range, given_pages.ids_of
local collection, table_of_pages = given_pages.collection, given_pages.table_of_pages

describe("a collection", function()
  it("gives every item once: one by one, by page, and all", function()
    local by_id = {
      first = { items(1, 2), "b" },
      b = { items(), "c" },
      c = { items(3), "d" },
      d = { items(), "e" },
      e = { items(4, 5), nil },
    }
    local seen = {}
    for item in table_of_pages(by_id) do
      seen[#seen + 1] = item.id
    end
    assert.same({ 1, 2, 3, 4, 5 }, seen)

    local paged = table_of_pages(by_id)
    assert.same({ 1, 2 }, ids_of(paged:page()))
    assert.same({ 3 }, ids_of(paged:page()))
    assert.same({ 4, 5 }, ids_of(paged:page()))
    assert.same({ n = 1 }, { n = select("#", paged:page()) })
    assert.is_nil(paged:page())

    local listed, asked = table_of_pages(by_id)
    assert.equal(1, listed:next().id)
    assert.same({ 2, 3, 4, 5 }, ids_of(listed:all()))
    assert.same({}, listed:all())
    assert.is_nil(listed:next())
    assert.same({ "first", "b", "c", "d", "e" }, asked)
  end)

  it("may be empty", function()
    local empty, asked = table_of_pages { first = { {}, nil } }
    for _ in empty do
      error "an item of an empty collection"
    end
    assert.same({}, empty:all())
    assert.same({ "first" }, asked)
  end)

  it("continues where a loop was left", function()
    local paged = table_of_pages { first = { items(1, 2), "b" }, b = { items(3), nil } }
    for item in paged do
      if item.id == 2 then
        break
      end
    end
    assert.same({ 3 }, ids_of(paged:all()))
  end)

  it("leaves out what comes twice, in one page or in two", function()
    local paged = table_of_pages {
      first = { items(9, 8, 9, 8), "b" },
      b = { items(8, 7, 7, 6), "c" },
      c = { items(6, 5), nil },
    }
    assert.same({ 9, 8, 7, 6, 5 }, ids_of(paged:all()))
  end)

  -- Newest first, by offset: each insertion moves items of the last page to the next one.
  it("returns each item once when items are inserted between its pages", function()
    local cases = { { inserted = 7, limit = 10 }, { inserted = 490, limit = 10 }, { inserted = 40, limit = 1 } }
    for _, case in ipairs(cases) do
      local newest = 1000
      local paged = collection(function(page_id, count)
        local offset = tonumber(page_id or 0)
        if count == math.floor(case.inserted / case.limit) + 12 then
          newest = newest + case.inserted
        end
        local list = {}
        for id = newest - offset, math.max(1, newest - offset - case.limit + 1), -1 do
          list[#list + 1] = { id = id }
        end
        local following = offset + case.limit
        return { items = list, next_page_id = following < newest and ("%d"):format(following) or nil }
      end)
      local ids = ids_of(assert(paged:all()))
      assert.same({ 1000, 1000, 1 }, { #ids, ids[1], ids[#ids] })
      for place = 2, #ids do
        assert.equal(ids[place - 1] - 1, ids[place])
      end
    end
  end)

  it("may have pages that name themselves a few times", function()
    local times = {}
    local paged = collection(function(page_id)
      local number = tonumber(page_id or 0)
      times[number] = (times[number] or 0) + 1
      local again = times[number] <= 3 and number or number + 1
      return { items = items(number), next_page_id = number < 5 and ("%d"):format(again) or nil }
    end)
    assert.same({ 0, 1, 2, 3, 4, 5 }, ids_of(assert(paged:all())))
  end)

  it("is an error when its pages go in circles", function()
    local circles = {
      self = { first = { items(1), "b" }, b = { items(2), "b" } },
      two = { first = { items(1), "b" }, b = { items(2), "c" }, c = { items(3), "b" } },
      empty = { first = { {}, "b" }, b = { {}, "c" }, c = { {}, "b" } },
      nameless = { first = { { "x" }, "b" }, b = { { "y", "z" }, "b" } },
    }
    for name, by_id in pairs(circles) do
      local source = name == "nameless" and { id = function() end } or nil
      local paged, asked = table_of_pages(by_id, source)
      local list, err = paged:all()
      assert.is_nil(list)
      assert.equal("protocol", err.kind)
      assert.matches("^things: the pages go in circles", err.message)
      assert.is_true(#asked <= 12, ("%s: %d requests"):format(name, #asked))
    end
    -- Without an end, and with a new page id each time.
    local paged, asked = collection(function(_, count)
      return { items = range(1, 100), next_page_id = ("%d"):format(count) }
    end)
    assert.same(ids_of(range(1, 100)), ids_of(paged:page()))
    local _, err = paged:page()
    assert.equal("protocol", err.kind)
    assert.is_true(#asked <= 13)
  end)

  it("identifies items without an id by their positions", function()
    local nameless = { id = function() end }
    local paged = table_of_pages({ first = { { "x", "x" }, "b" }, b = { { "x" }, nil } }, nameless)
    assert.same({ "x", "x", "x" }, paged:all())
  end)

  it("is an error when a page has another form", function()
    local broken = {
      { nil, "no list of items" },
      { "text", "no list of items" },
      { 7, "no list of items" },
      { openhands.null, "no list of items" },
      { {}, "no usable 'next_page_id'", 7 },
      { {}, "no usable 'next_page_id'", {} },
      { {}, "no usable 'next_page_id'", false },
    }
    for _, case in pairs(broken) do
      local page = { items = case[1], next_page_id = case[3] }
      local paged = collection(function()
        return page
      end)
      for _ = 1, 2 do -- an error does not end it
        local item, err = paged:next()
        assert.is_nil(item)
        assert.equal("protocol", err.kind)
        assert.matches(case[2], err.message)
      end
      page = { items = items(1) }
      assert.equal(1, paged:next().id)
    end
  end)

  it("requests the same page again after an error, and loses nothing", function()
    local broken = { [2] = true, [4] = true }
    local function flaky()
      return collection(function(page_id, count)
        if broken[count] then
          return nil, { kind = "server" }
        end
        local number = tonumber(page_id or 1)
        return {
          items = items(number * 10, number * 10 + 1),
          next_page_id = number < 3 and ("%d"):format(number + 1) or nil,
        }
      end)
    end

    local paged, asked = flaky()
    assert.same({ 10, 11 }, ids_of(paged:page()))
    assert.equal("server", select(2, paged:page()).kind)
    assert.same({ 20, 21 }, ids_of(paged:page()))
    assert.equal("server", select(2, paged:page()).kind)
    assert.same({ 30, 31 }, ids_of(paged:page()))
    assert.is_nil(paged:page())
    assert.same({ "first", "2", "2", "3", "3" }, asked)

    local one_by_one, ids, errors = flaky(), {}, 0
    repeat
      local item, err = one_by_one:next()
      ids[#ids + 1] = item and item.id
      errors = errors + (err and 1 or 0)
    until not item and not err
    assert.same({ { 10, 11, 20, 21, 30, 31 }, 2 }, { ids, errors })

    local listed = flaky()
    assert.equal("server", select(2, listed:all()).kind)
    assert.equal(10, listed:next().id)
    assert.equal("server", select(2, listed:all()).kind)
    assert.same({ 11, 20, 21, 30, 31 }, ids_of(listed:all()))
  end)

  it("raises the error object in a loop, which can be begun again", function()
    local fail = true
    local paged = collection(function(page_id)
      if page_id and fail then
        fail = false
        return nil, { kind = "throttled" }
      end
      return { items = items(page_id or "a"), next_page_id = not page_id and "b" or nil }
    end)
    local ids = {}
    local function read()
      for item in paged do
        ids[#ids + 1] = item.id
      end
    end
    local good, err = pcall(read)
    assert.is_false(good)
    assert.equal("throttled", err.kind)
    assert.is_true((pcall(read)))
    assert.same({ "a", "b" }, ids)
  end)

  it("leaves out what is converted to nothing", function()
    local even = {
      convert = function(item)
        return item.id % 2 == 0 and item.id or nil
      end,
    }
    local by_id = { first = { items(1, 2), "b" }, b = { items(3, 5), "c" }, c = { items(6), nil } }
    assert.same({ 2, 6 }, table_of_pages(by_id, even):all())
    local paged = table_of_pages(by_id, even)
    assert.same({ 2 }, paged:page())
    assert.same({ 6 }, paged:page())
  end)

  it("requests its last page again when asked to, and no other", function()
    local by_id = { first = { items(0), "b" }, b = { items(1, 2), nil }, c = { items(2, 5), nil } }
    local paged, asked = table_of_pages(by_id)
    assert.same({ 0 }, ids_of(paged:page()))
    paged:_look_again() -- not at its end
    assert.same({ 1, 2 }, ids_of(paged:all()))
    by_id.b[1] = items(1, 2, 3, 4)
    paged:_look_again()
    assert.same({ 3, 4 }, ids_of(paged:all()))
    for _ = 1, 600 do -- a page without new items is not a circle
      paged:_look_again()
      assert.same({}, paged:all())
    end
    by_id.b[2] = "c" -- nothing new here, but now there is a next page
    paged:_look_again()
    assert.same({ 5 }, ids_of(paged:all()))
    assert.same({ "first", "b", "b", "c" }, { asked[1], asked[2], asked[#asked - 1], asked[#asked] })
  end)

  it("can yield in a coroutine, in every version of Lua", function()
    local answers = 0
    local paged = collection(function(page_id)
      answers = answers + 1
      coroutine.yield "waiting"
      return { items = items(page_id or "a"), next_page_id = not page_id and "b" or nil }
    end)
    local reader = coroutine.wrap(function()
      local list = { paged:next().id, ids_of(paged:page())[1], paged:next() or "end" }
      return list
    end)
    assert.equal("waiting", reader())
    assert.equal("waiting", reader())
    assert.same({ "a", "b", "end" }, reader())
    assert.equal(2, answers)
  end)

  it("does not keep what was read", function()
    local paged = collection(function(page_id)
      local first = tonumber(page_id or 1)
      return { items = range(first, first + 99), next_page_id = first < 99901 and ("%d"):format(first + 100) or nil }
    end)
    local count, after_some, living = 0, nil, setmetatable({}, { __mode = "v" })
    for item in paged do
      count = count + 1
      assert(item.id == count)
      living[count % 100 == 0 and count or 0] = item
      if count == 10000 then
        collectgarbage()
        after_some = collectgarbage "count"
      end
    end
    collectgarbage()
    assert.equal(100000, count)
    local alive = 0
    for _ in pairs(living) do
      alive = alive + 1
    end
    assert.is_true(alive <= 3, alive) -- items of the last page
    -- In KB. Sixteen bytes for each item would be more; the interpreter's table of strings may have doubled.
    assert.is_true(collectgarbage "count" - after_some < 1000)
  end)
end)
