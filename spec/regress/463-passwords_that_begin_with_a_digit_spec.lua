-- A password in an address that begins with a digit and has a "/" was taken for a port and shown.

local core = require "openhands.core"

describe("an address in a text", function()
  it("shows no password that begins with a digit", function()
    for _, password in ipairs {
      "1pa/ss", "1p", "1p ass", "1!/ss", "12345x?y", "1.a#b", "1:x/y", "123456/ss", "80808", "1\195\169/ss",
    } do
      local address = ("see https://user:%s@host/x"):format(password)
      assert.equal("see https://[redacted]@host/x", core.redact(address))
      assert.equal("see https://[redacted]@host/x", core.redact_line(address))
    end
  end)

  it("shows its port", function()
    for _, text in ipairs {
      "https://host:8080/@user/x", "https://host:8080?to=a@b", "https://host:8080#a@b", "https://[::1]:8080/a@b",
      "https://host:8080 a@b", "https://host:8080: refused, ask a@b", "https://host:8080, a@b",
      "https://host:8080. a@b", "(https://host:8080) a@b", "(see https://host:8080). a@b",
      "'https://host:8080' a@b", "https://host:8080\226\128\166 a@b",
    } do
      assert.equal(text, core.redact(text))
    end
  end)
end)
