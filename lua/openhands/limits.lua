--- Limits that more than one module needs, each stated once. What the core enforces comes from the core.

local core = require "openhands.core"

return {
  IDS_PER_REQUEST = core.limits.ids_per_request, -- the service refuses, or fails on, more
  ITEMS_PER_PAGE = 100,
  LONGEST_ID = core.limits.id_bytes,
  LONGEST_URL = 2048, -- bytes
  LONGEST_QUOTE = 500, -- bytes of the service's own words in a message
  MOST_BYTES = 2147483647, -- of a response body, or of its values
  LONGEST_RETRY_AFTER = 120, -- seconds; a Retry-After beyond it is the caller's to wait for
  SHORTEST_INTERVAL = 0.01, -- seconds between two polls, whatever the caller asks for
  OUTAGE_TIMEOUT = 900, -- seconds for which waiting goes on where it is unknown whether the trouble passes
}
