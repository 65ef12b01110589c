rockspec_format = "3.0"
package = "openhands"
version = "scm-1"

source = { url = "git+https://github.com/openhands-lua/openhands.git" }

description = {
  summary = "Client for OpenHands Cloud: start coding agents and follow them",
  detailed = [[
    Starts conversations with OpenHands coding agents and tells how they stand, from scripts, Neovim, OpenResty
    and other event loops, on Lua 5.1 to 5.5 and LuaJIT. One vocabulary for V0 and V1 of the service; a paid
    job is never started twice and never lost; nothing blocks its host.]],
  license = "MIT",
  labels = { "http", "async", "ai", "agent", "neovim", "openresty" },
}

dependencies = { "lua >= 5.1, < 5.6", "lua-cjson >= 2.1.0" }

-- No `header = "curl/curl.h"`: luarocks does not look into Debian's multiarch directories for headers, and
-- would refuse where the compiler finds the file.
external_dependencies = { CURL = { library = "curl" } }

test_dependencies = { "busted", "luv" }
test = { type = "busted" }

build = {
  type = "builtin",
  modules = {
    ["openhands.core"] = {
      sources = {
        "src/arguments.c",
        "src/buffer.c",
        "src/carrier.c",
        "src/client.c",
        "src/core.c",
        "src/encode.c",
        "src/exchange.c",
        "src/identifier.c",
        "src/json.c",
        "src/multi.c",
        "src/operation.c",
        "src/options.c",
        "src/origin.c",
        "src/outcome.c",
        "src/pipe_guard.c",
        "src/prompt.c",
        "src/queue.c",
        "src/readiness.c",
        "src/report.c",
        "src/secret.c",
        "src/text.c",
        "src/value.c",
      },
      libraries = { "curl" },
      incdirs = { "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
    },
    ["openhands.client"] = "lua/openhands/client.lua",
    ["openhands.dialect"] = "lua/openhands/dialect.lua",
    ["openhands.conversation"] = "lua/openhands/conversation.lua",
    ["openhands.errors"] = "lua/openhands/errors.lua",
    ["openhands.events"] = "lua/openhands/events.lua",
    ["openhands"] = "lua/openhands/init.lua",
    ["openhands.lookup"] = "lua/openhands/lookup.lua",
    ["openhands.loop.plain"] = "lua/openhands/loop/plain.lua",
    ["openhands.retry"] = "lua/openhands/retry.lua",
    ["openhands.settings"] = "lua/openhands/settings.lua",
    ["openhands.simulator.connection"] = "lua/openhands/simulator/connection.lua",
    ["openhands.simulator.control"] = "lua/openhands/simulator/control.lua",
    ["openhands.simulator.events"] = "lua/openhands/simulator/events.lua",
    ["openhands.simulator.fault"] = "lua/openhands/simulator/fault.lua",
    ["openhands.simulator.http"] = "lua/openhands/simulator/http.lua",
    ["openhands.simulator.identifiers"] = "lua/openhands/simulator/identifiers.lua",
    ["openhands.simulator"] = "lua/openhands/simulator/init.lua",
    ["openhands.simulator.json"] = "lua/openhands/simulator/json.lua",
    ["openhands.simulator.limits"] = "lua/openhands/simulator/limits.lua",
    ["openhands.simulator.model"] = "lua/openhands/simulator/model.lua",
    ["openhands.simulator.paging"] = "lua/openhands/simulator/paging.lua",
    ["openhands.simulator.reply"] = "lua/openhands/simulator/reply.lua",
    ["openhands.simulator.routing"] = "lua/openhands/simulator/routing.lua",
    ["openhands.simulator.sandboxes"] = "lua/openhands/simulator/sandboxes.lua",
    ["openhands.simulator.script"] = "lua/openhands/simulator/script.lua",
    ["openhands.simulator.server"] = "lua/openhands/simulator/server.lua",
    ["openhands.simulator.timestamps"] = "lua/openhands/simulator/timestamps.lua",
    ["openhands.simulator.v0"] = "lua/openhands/simulator/v0.lua",
    ["openhands.simulator.v1"] = "lua/openhands/simulator/v1.lua",
    ["openhands.simulator.validation"] = "lua/openhands/simulator/validation.lua",
    ["openhands.simulator.views"] = "lua/openhands/simulator/views.lua",
    ["openhands.start"] = "lua/openhands/start.lua",
    ["openhands.state"] = "lua/openhands/state.lua",
    ["openhands.transport"] = "lua/openhands/transport.lua",
    ["openhands.types"] = "lua/openhands/types.lua",
    ["openhands.watch"] = "lua/openhands/watch.lua",
  },
  platforms = { linux = { modules = { ["openhands.core"] = { libraries = { "curl", "m", "dl", "pthread" } } } } },
}
