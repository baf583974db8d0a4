"""How jobs that run beside each other begin at one instant."""

import sys
import time


def ready() -> float:
    """Say that everything is prepared; wait for the instant to begin, and return it."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    instant = float(sys.stdin.readline())
    time.sleep(max(0.0, instant - time.monotonic()))
    return instant
