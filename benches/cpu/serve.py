"""The protocol between compare.py and whatever it times, and the timing loop of the peers that run in Python.

A timed process loads, warms up, prints the line `ready`, then for each line `N` on its standard input runs N forward passes and prints one line:
their median in milliseconds. It ends at end of file. Everything else goes to standard error.
"""

import statistics
import sys
import time


def serve(step, warmup=2):
    """Answers the protocol with `step`, a function without arguments that runs one forward pass to its end."""
    for _ in range(warmup):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(f"{statistics.median(times) * 1e3:.4f}", flush=True)
