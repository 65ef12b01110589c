"""Python's requests: one session, one call after the other."""
import sys

import requests

import work

if work.name == "version":
    print("requests", requests.__version__, "Python", sys.version.split()[0])
    sys.exit()
session = requests.Session()
session.headers.update({"Authorization": "Bearer bench", "Accept": "application/json"})
session.verify = work.authority or True
if work.name == "start":
    session.headers["Connection"] = "close"


def once(number):
    path, body = work.request(number)
    answer = session.post(work.base + path, json=body) if body else session.get(work.base + path)
    assert answer.status_code == 200
    work.check(answer.json(), number)


work.sequence(once)
