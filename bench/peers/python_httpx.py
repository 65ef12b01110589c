"""Python's httpx; over TLS with HTTP/2. Calls in flight at the same time are coroutines of asyncio."""
import asyncio
import sys

import httpx

import work

if work.name == "version":
    print("httpx", httpx.__version__, "Python", sys.version.split()[0])
    sys.exit()

settings = {
    "headers": {"Authorization": "Bearer bench", "Accept": "application/json"},
    "verify": work.authority if work.base.startswith("https") else False,
    "http2": work.base.startswith("https"),
    "timeout": 60,
    "trust_env": False,
    "limits": httpx.Limits(max_connections=None, max_keepalive_connections=None),
}
if work.name == "start":
    settings["headers"]["Connection"] = "close"


def check(answer, number):
    assert answer.status_code == 200
    work.check(answer.json(), number)


async def many():
    async with httpx.AsyncClient(**settings) as client:

        async def once(number):
            check(await client.get(work.base + work.request(number)[0]), number)

        await work.many_async(once)


if work.is_many:
    asyncio.run(many())
else:
    only = httpx.Client(**settings)

    def call(number):
        path, body = work.request(number)
        check(only.post(work.base + path, json=body) if body else only.get(work.base + path), number)

    work.sequence(call)
