"""Many threads of Python on one verifier: `cargo xtask call-cost --long` runs this with the optimised package.

Says how much memory 32 threads with 1 000 calls each leave behind, and how much faster two threads are than one. A line that
misses its goal says FAILED. `test_threads.py` runs a slice of it in every test.
"""

from __future__ import annotations

import gc
import hashlib
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import veriseal

THREADS, CALLS = 32, 1000
IMAGE = "oci:examples/images/cosign-v3:1.0"
KEY = "examples/images/cosign.pub"
#: Bytes that may be left behind, and how much faster two threads must be.
MAX_GROWTH, MIN_SPEEDUP = 1_000_000, 1.7
#: What two threads that share nothing must gain for the speed of others to say something.
ENOUGH = 1.85
#: Hashed by those: a few milliseconds, without Python's lock.
BLOCK = bytes(4_000_000)


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


def elapsed(work: Callable[[], object], threads: int) -> float:
    """Seconds until every thread has done the work."""
    workers = [threading.Thread(target=work) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begun


def speedup(made: veriseal.Verifier, calls: int, rounds: int = 41) -> tuple[float, float]:
    """How many times the work of one thread two do in the same time; and the same of hashing, which is what the machine gives.

    All in turn, and the median of each: a machine that is shared is fast and slow by turns, and its processors may be halves of
    one. Over evidence in memory: to open the files of an image layout, threads of one process take turns in the kernel.
    """
    evidence, pinned = made.gather(IMAGE), made.verify(IMAGE).pinned
    works = (lambda: judge(made, evidence, pinned, calls), lambda: [hashlib.sha256(BLOCK).digest() for _ in range(9)])
    times: dict[tuple[int, int], list[float]] = {}
    for _ in range(rounds):
        for number, work in enumerate(works):
            for threads in (1, 2):
                times.setdefault((number, threads), []).append(elapsed(work, threads))
    middle = {place: statistics.median(seconds) for place, seconds in times.items()}
    verified, hashed = (2 * middle[number, 1] / middle[number, 2] for number in range(len(works)))
    return verified, hashed


def main() -> None:
    made = veriseal.verifier(key=KEY, tlog="ignored")
    left = growth(made, THREADS, CALLS)
    word = "" if left <= MAX_GROWTH else " FAILED"
    print(f"{THREADS} threads with {CALLS} calls each leave {left} bytes behind (goal {MAX_GROWTH}){word}")
    faster, given = speedup(made, 300)
    # Two threads cannot gain more than the machine has for them.
    word = "" if faster >= MIN_SPEEDUP else " FAILED" if given >= ENOUGH else ": too few processors to tell"
    print(f"two threads do {faster:.2f} times the work of one, of hashing {given:.2f} times (goal {MIN_SPEEDUP}){word}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
