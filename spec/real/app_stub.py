"""A stub of the app server: reports every conversation as running in the agent server at ADDRESS.

    app_stub.py ADDRESS KEY

With it the library is checked on an agent server alone. Prints its port.
"""

import json
import sys
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS, KEY = sys.argv[1], sys.argv[2]


def ask(path):
    asked = urllib.request.Request(ADDRESS + path, headers={"X-Session-API-Key": KEY})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def conversation(text):
    identifier = uuid.UUID(text)
    path = "/api/conversations/%s" % identifier
    try:
        status = ask(path)["execution_status"]
    except urllib.error.HTTPError:
        status = None
    return {
        "id": identifier.hex,
        "title": None,
        "sandbox_id": "one",
        "sandbox_status": "RUNNING",
        "execution_status": status,
        "conversation_url": ADDRESS + path,
        "session_api_key": KEY,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }


def events(url):
    """Forwards /api/v1/conversation/ID/events/… to the agent server."""
    _, identifier, rest = url.path.rsplit("/conversation", 1)[1].split("/", 2)
    query = url.query.replace("kind__eq=", "kind=")
    return ask("/api/conversations/%s/%s?%s" % (uuid.UUID(identifier), rest, query))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urlsplit(self.path)
        status, value = 404, {"detail": "Not Found"}
        if url.path == "/api/v1/users/me":
            status, value = 200, {"id": "stub", "email": None, "v1_enabled": True}
        elif url.path == "/api/v1/app-conversations":
            status, value = 200, [conversation(text) for text in parse_qs(url.query).get("ids", [])]
        elif url.path.startswith("/api/v1/conversation/"):
            status, value = 200, events(url)
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
