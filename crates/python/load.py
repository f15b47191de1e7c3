"""Many threads of Python on one verifier: `cargo xtask call-cost --long` runs this with the optimised package.

Says how much memory 32 threads with 1 000 calls each leave behind, and how much faster two threads are than one. A line that
misses its goal says FAILED. `test_threads.py` runs a slice of it in every test.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import veriseal

THREADS, CALLS = 32, 1000
IMAGE = "oci:examples/images/cosign-v3:1.0"
KEY = "examples/images/cosign.pub"
#: Bytes that may be left behind, and how much faster two threads must be.
MAX_GROWTH, MIN_SPEEDUP = 1_000_000, 1.7
#: Processors that two threads must have had for their speed to say something.
ENOUGH = 1.8


def resident() -> int:
    """Bytes of memory that this process has now; Linux only."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def verify(made: veriseal.Verifier, calls: int) -> None:
    for _ in range(calls):
        if made.verify(IMAGE).code != "ACCEPTED":
            raise RuntimeError("not accepted")


def growth(made: veriseal.Verifier, threads: int, calls: int, rounds: int = 3) -> int:
    """What a round leaves behind after one to warm up, at least: what leaks, leaks in each."""
    with ThreadPoolExecutor(threads) as pool:

        def work() -> None:
            # All at once, so that the pool uses every thread that it may.
            meeting = threading.Barrier(threads)
            for done in [pool.submit(lambda: (meeting.wait(), verify(made, calls))) for _ in range(threads)]:
                done.result()

        work()
        found = []
        for _ in range(rounds):
            before = resident()
            work()
            found.append(resident() - before)
    return min(found)


def judge(made: veriseal.Verifier, evidence: veriseal.Evidence, pinned: str, calls: int) -> None:
    for _ in range(calls):
        if made.judge(evidence, pinned).code != "ACCEPTED":
            raise RuntimeError("not accepted")


def elapsed(made: veriseal.Verifier, evidence: veriseal.Evidence, pinned: str, threads: int, calls: int) -> float:
    """Seconds until every thread has made its calls."""
    workers = [threading.Thread(target=judge, args=(made, evidence, pinned, calls)) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begun


def speedup(made: veriseal.Verifier, calls: int, rounds: int = 41) -> tuple[float, float]:
    """How many times the work of one thread two do in the same time; and how many processors two threads had.

    Both in turn, and the median of each: a machine that is shared is fast and slow by turns. Over evidence in memory: to
    open the files of an image layout, threads of one process take turns in the kernel.
    """
    evidence, pinned = made.gather(IMAGE), made.verify(IMAGE).pinned
    one: list[float] = []
    two: list[float] = []
    cpus: list[float] = []
    for _ in range(rounds):
        one.append(elapsed(made, evidence, pinned, 1, calls))
        begun = time.process_time()
        two.append(elapsed(made, evidence, pinned, 2, calls))
        cpus.append((time.process_time() - begun) / two[-1])
    return 2 * statistics.median(one) / statistics.median(two), statistics.median(cpus)


def main() -> None:
    made = veriseal.verifier(key=KEY, tlog="ignored")
    left = growth(made, THREADS, CALLS)
    word = "" if left <= MAX_GROWTH else " FAILED"
    print(f"{THREADS} threads with {CALLS} calls each leave {left} bytes behind (goal {MAX_GROWTH}){word}")
    faster, cpus = speedup(made, 300)
    # On a machine that others use, two threads cannot be faster than what is left of it.
    word = "" if faster >= MIN_SPEEDUP else " FAILED" if cpus >= ENOUGH else ": too few to tell"
    print(f"two threads do {faster:.2f} times the work of one on {cpus:.2f} processors (goal {MIN_SPEEDUP}){word}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
