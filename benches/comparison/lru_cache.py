"""Measures calls of CPython's functools.lru_cache: prints a line per case and column, in nanoseconds.

The loop around the calls is map() in C, so that its cost is negligible. Times are minima of many
rounds, and medians for threads, as for the other contestants.
"""

import collections
import functools
import gzip
import itertools
import pathlib
import random
import sys
import threading
import time
import tracemalloc

ENTRIES, CALLS = 128, 1024
BENCH = sys.argv[1] == "bench"
TRACES = pathlib.Path(sys.argv[2])

COLUMNS = {
    "number": (lambda n: (n,), lambda n: n),
    "pair": (lambda n: (n, n + 1), lambda a, b: a ^ b),
    "short": (lambda n: (f"{n:x>16}",), len),
    "long": (lambda n: (f"{n:x>200}",), len),
    "bytes": (lambda n: (b"%64d" % n,), len),
    "string": (lambda n: (n,), lambda n: f"{n:x>16}"),
    "shared": (lambda n: (n,), lambda n: [n] * 16),
}


def each(call, lists):
    collections.deque(map(call, *lists), maxlen=0)


def clocked(action):
    start = time.perf_counter_ns()
    action()
    return time.perf_counter_ns() - start


def best(rounds, action, before=lambda: None):
    times = []
    for _ in range(rounds if BENCH else 1):
        before()
        times.append(clocked(action))
    return min(times)


def lists(make, numbers):
    return list(zip(*map(make, numbers)))


def calls():
    fresh = itertools.count(ENTRIES)
    for column, (make, body) in COLUMNS.items():
        known = lists(make, draws)
        for case, maxsize in {"hit": 128, "unbounded": None, "disabled": 0}.items():
            call = functools.lru_cache(maxsize=maxsize)(body)
            each(call, known)
            print(case, column, best(400, lambda: each(call, known)) / CALLS)

        call = functools.lru_cache(maxsize=128)(body)
        each(call, known)
        new = []

        def refill():
            new[:] = lists(make, itertools.islice(fresh, CALLS))

        print("miss", column, best(400, lambda: each(call, new), refill) / CALLS)


def recursion():
    @functools.lru_cache(maxsize=None)
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    print("fibonacci", "number", best(500, lambda: fibonacci(90), fibonacci.cache_clear))


def keys(kind, thread, threads):
    if kind == "one":
        return [7] * CALLS
    if kind == "zipf":
        weights = [1 / (n + 1) for n in range(ENTRIES)]
        return random.Random(thread).choices(range(ENTRIES), weights, k=CALLS)
    own = [n for n in draws if n % threads == thread]
    return list(itertools.islice(itertools.cycle(own), CALLS))


def crowd(call, kind, number):
    """Lets threads make calls for a while; returns the time per call, as seen by the calling thread."""
    ready, over, turns = threading.Barrier(number + 1), threading.Event(), []

    def work(thread):
        arguments = [keys(kind, thread, number)]
        each(call, arguments)
        ready.wait()
        begin, done = time.perf_counter_ns(), 0
        while not over.is_set():
            each(call, arguments)
            done += CALLS
        turns.append((done, begin, time.perf_counter_ns()))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(number)]
    for thread in threads:
        thread.start()
    ready.wait()
    time.sleep(0.025 if BENCH else 0.001)
    over.set()
    for thread in threads:
        thread.join()
    took = max(end for _, _, end in turns) - min(begin for _, begin, _ in turns)
    return number * took / max(1, sum(done for done, _, _ in turns))


def crowds():
    for mode, maxsize in {"bounded": 128, "unbounded": None}.items():
        for kind, number in itertools.product(["one", "zipf", "apart"], [1, 2, 4, 8]):
            call = functools.lru_cache(maxsize=maxsize)(lambda n: n)
            times = sorted(crowd(call, kind, number) for _ in range(9 if BENCH else 1))
            print(f"threads-{mode}-{kind}", number, times[len(times) // 2])


def traces():
    for file in sorted(TRACES.glob("*.gz")):
        with gzip.open(file, "rt") as lines:
            recorded = [int(line) for line in lines][: None if BENCH else 2000]
        call = functools.lru_cache(maxsize=1000)(lambda n: n)
        took = best(3, lambda: each(call, [recorded]), call.cache_clear)
        print("trace", file.name.split(".")[0], took / len(recorded))


def memory():
    entries = 1_000_000 if BENCH else 1000
    tracemalloc.start()
    call = functools.lru_cache(maxsize=entries)(lambda n: n + 1)
    each(call, [range(entries)])
    for case, held in zip(["held", "most"], tracemalloc.get_traced_memory()):
        print("memory", case, held / entries)


draws = list(range(ENTRIES)) * (CALLS // ENTRIES)
random.Random(1).shuffle(draws)
for part in calls, recursion, crowds, traces, memory:
    part()
