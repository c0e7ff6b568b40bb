"""What calls of CPython's functools.lru_cache cost: a line per case and column, in nanoseconds.

The loop around the calls is map() in C, so that next to nothing but the calls is measured. Times
are minima of many rounds, those of two threads medians, as for the others.
"""

import collections
import functools
import itertools
import random
import sys
import threading
import time

ENTRIES, CALLS, TURNS = 128, 1024, 64
ROUNDS = int(sys.argv[1])

COLUMNS = {
    "number": (lambda n: (n,), lambda n: n),
    "pair": (lambda n: (n, n + 1), lambda a, b: a ^ b),
    "short": (lambda n: (f"{n:x>16}",), len),
    "long": (lambda n: (f"{n:x>200}",), len),
    "string": (lambda n: (n,), lambda n: f"{n:x>16}"),
}


def each(call, lists):
    collections.deque(map(call, *lists), maxlen=0)


def clocked(action):
    start = time.perf_counter_ns()
    action()
    return time.perf_counter_ns() - start


def lists(make, numbers):
    return list(zip(*map(make, numbers)))


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def both(call, arguments):
    def turns():
        for _ in range(TURNS):
            each(call, arguments)

    threads = [threading.Thread(target=turns) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


draws = list(range(ENTRIES)) * (CALLS // ENTRIES)
random.Random(1).shuffle(draws)
fresh = itertools.count(ENTRIES)

for column, (make, body) in COLUMNS.items():
    known = lists(make, draws)
    for case, maxsize in {"hit": 128, "unbounded": None, "disabled": 0}.items():
        call = functools.lru_cache(maxsize=maxsize)(body)
        each(call, known)
        print(case, column, min(clocked(lambda: each(call, known)) for _ in range(ROUNDS)) / CALLS)

    call = functools.lru_cache(maxsize=128)(body)
    each(call, known)
    times = []
    for _ in range(ROUNDS):
        new = lists(make, itertools.islice(fresh, CALLS))
        times.append(clocked(lambda: each(call, new)))
    print("miss", column, min(times) / CALLS)

    for case, maxsize in {"threads": 128, "threads-unbounded": None}.items():
        if column != "number":
            continue
        call = functools.lru_cache(maxsize=maxsize)(body)
        each(call, known)
        times = sorted(clocked(lambda: both(call, known)) for _ in range(min(ROUNDS, 25)))
        print(case, column, times[len(times) // 2] / (CALLS * TURNS))

fibonacci = functools.lru_cache(maxsize=None)(fibonacci)
times = []
for _ in range(ROUNDS):
    fibonacci.cache_clear()
    times.append(clocked(lambda: fibonacci(90)))
print("fibonacci", "number", min(times))
