"""Python's requests: one session. Calls in flight at the same time are threads, each with a session of its own."""
import sys
import threading

import requests

import work

if work.name == "version":
    print("requests", requests.__version__, "Python", sys.version.split()[0])
    sys.exit()


def connect():
    session = requests.Session()
    session.headers.update({"Authorization": "Bearer bench", "Accept": "application/json"})
    session.verify = work.authority or True
    session.trust_env = False
    if work.name == "start":
        session.headers["Connection"] = "close"
    return session


def call(session, number):
    path, body = work.request(number)
    answer = session.post(work.base + path, json=body) if body else session.get(work.base + path)
    assert answer.status_code == 200
    work.check(answer.json(), number)


if work.is_many:
    take, finish = work.queue()
    lock = threading.Lock()

    def one_after_the_other():
        session = connect()
        with lock:
            number = take()
        while number:
            call(session, number)
            with lock:
                finish()
                number = take()

    threading.stack_size(256 * 1024)
    threads = [threading.Thread(target=one_after_the_other) for _ in range(work.in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
else:
    only = connect()
    work.sequence(lambda number: call(only, number))
