-- The name that was read from the address of a repository kept the escapes of the address, e.g. "%20" for the blanks in
-- the projects of Azure: a paid job began that could not find "organization/My%20Project/name".
local repositories = require "openhands.api.repository"

describe("the address of a repository", function()
  it("gives the name without the escapes of addresses", function()
    for address, name in pairs {
      ["https://dev.azure.com/organization/My%20Project/_git/a%20name"] = "organization/My Project/a name",
      ["https://user@dev.azure.com/organization/My%20Project/_git/name"] = "organization/My Project/name",
      ["git@ssh.dev.azure.com:v3/organization/My%20Project/name"] = "organization/My Project/name",
      ["https://dev.azure.com/organization/My Project/_git/name"] = "organization/My Project/name",
      ["https://dev.azure.com/organization/My%20Project%20(old)/_git/name"] = "organization/My Project (old)/name",
      ["https://dev.azure.com/organization/%C3%9Cbung/_git/name"] = "organization/\195\156bung/name",
      ["https://azure.example/organization/My%20Project/_git/name"] = "organization/My Project/name",
      ["https://github.com/owner/a%2db"] = "owner/a-b",
    } do
      assert.equal(name, (repositories.take_apart(address)))
      assert.equal(name, (repositories.take_apart(name))) -- which is one that the library takes
    end
    assert.equal("~user/name", (repositories.take_apart "https://bitbucket.example/%7Euser/name.git"))
  end)

  it("is refused if its escapes give no name", function()
    for _, address in ipairs {
      "https://github.com/owner/a%20b", "https://gitlab.com/group/a%20b/name", "https://gitlab.com/group%2Fname",
      "https://dev.azure.com/organization/%20Project/_git/name", "https://dev.azure.com/organization/a%2Fb/_git/name",
      "https://dev.azure.com/organization/a%00b/_git/name", "https://dev.azure.com/organization/a%0Ab/_git/name",
      "https://dev.azure.com/organization/%2E%2E/_git/name", "https://dev.azure.com/organization/a%/_git/name",
      "https://dev.azure.com/organization/a%zzb/_git/name", "https://dev.azure.com/organization/a%%b/_git/name",
      "https://dev.azure.com/organization/100%25/_git/name", "https://azure.example/owner/a%20b",
    } do
      local name, _, problem = repositories.take_apart(address)
      assert.is_nil(name, address)
      assert.matches("is not the address of a repository", problem, 1, true)
    end
  end)
end)
