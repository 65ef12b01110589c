"""Python's aiohttp. It has no HTTP/2: each call in flight has a connection of its own."""
import asyncio
import ssl
import sys

import aiohttp

import work

if work.name == "version":
    print("aiohttp", aiohttp.__version__, "Python", sys.version.split()[0])
    sys.exit()


async def main():
    context = ssl.create_default_context(cafile=work.authority) if work.base.startswith("https") else False
    connector = aiohttp.TCPConnector(limit=0, force_close=work.name == "start", ssl=context)
    headers = {"Authorization": "Bearer bench", "Accept": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def once(number):
            path, body = work.request(number)
            request = session.post(work.base + path, json=body) if body else session.get(work.base + path)
            async with request as answer:
                assert answer.status == 200
                work.check(await answer.json(), number)

        await (work.many_async(once) if work.is_many else work.sequence_async(once))


asyncio.run(main())
