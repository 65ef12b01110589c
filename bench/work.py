"""What the programs in Python share: the works, and what they cost. The same as work.lua."""
import os
import resource
import sys
import time

name, base = sys.argv[1], (sys.argv + [""])[2]
count, in_flight = int((sys.argv + [0] * 3)[3]), int((sys.argv + [0] * 4)[4] or 1000)
authority = os.environ.get("BENCH_CA")
is_many = name.startswith("many")
warm = in_flight if is_many else 0 if name == "first" else 10

paths = {
    "v1": "/api/v1/app-conversations?ids=%s",
    "events": "/api/v1/conversation/%s/events/search?limit=100",
}


def id_of(number):
    return "7f3b9a1c2d4e4f60a1b2%012x" % (number % (in_flight if is_many else 50))


def request(number):
    """Returns the path of a call, and for a POST its body before it is encoded."""
    if name == "start":
        content = [{"type": "text", "text": "Fix the typo in README.md."}]
        return "/api/v1/app-conversations", {
            "conversation_id": id_of(number),
            "selected_repository": "acme/widgets",
            "initial_message": {"role": "user", "content": content},
        }
    return paths.get(name, "/api/conversations/%s") % id_of(number), None


def check(answer, number):
    if name == "events":
        assert len(answer["items"]) == 100
    elif name == "start":
        assert answer["request"]["conversation_id"] == id_of(number)
    else:
        assert (answer[0]["id"] if name == "v1" else answer["conversation_id"]) == id_of(number)


def report(before):
    spent = time.process_time() - before
    print("%.2f %d" % (spent / max(count, 1) * 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def sequence(once):
    """Makes the calls one after the other. The first ten connect and warm up."""
    before = 0.0
    for number in range(warm + count):
        if number == warm:
            before = time.process_time()
        once(number)
    report(before)


async def sequence_async(once):
    before = 0.0
    for number in range(warm + count):
        if number == warm:
            before = time.process_time()
        await once(number)
    report(before)


def queue():
    """Returns a function that gives the number of the next call, or None at the end, and one to call after each.

    The first `in_flight` calls that end connect and warm up, and are not measured.
    """
    begun, done, before = 0, 0, 0.0

    def take():
        nonlocal begun
        if begun < warm + count:
            begun += 1
            return begun
        return None

    def finish():
        nonlocal done, before
        done += 1
        if done == warm:
            before = time.process_time()
        elif done == warm + count:
            report(before)

    return take, finish


async def many_async(once):
    import asyncio  # not at the top: it takes time to load, and not every run needs it

    take, finish = queue()

    async def one_after_the_other():
        number = take()
        while number:
            await once(number)
            finish()
            number = take()

    await asyncio.gather(*[one_after_the_other() for _ in range(in_flight)])
