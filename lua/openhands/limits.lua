--- Limits that more than one module needs. The limits of ids are read from the core, which enforces them.

local core = require "openhands.core"

return {
  IDS_PER_REQUEST = core.limits.ids_per_request, -- with more ids the service refuses the request or fails
  ITEMS_PER_PAGE = 100,
  REPOSITORY_NAME = "^[A-Za-z0-9_][A-Za-z0-9_-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*$", -- pattern; no host, for want of a dot
  LONGEST_ID = core.limits.id_bytes,
  LONGEST_URL = 2048, -- bytes
  LONGEST_QUOTE = 500, -- bytes of the service's own words in a message
  MOST_BYTES = 2147483647, -- of a response body, or of its values; the core enforces the same number
  LONGEST_RETRY_AFTER = 120, -- seconds; after a longer Retry-After the caller has to retry
  SHORTEST_INTERVAL = 0.01, -- seconds between two polls, even if the caller sets less
  OUTAGE_TIMEOUT = 900, -- seconds for which a wait goes on during an outage that may be permanent
}
