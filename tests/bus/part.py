"""A part of a cluster in a process of its own: ``part.py take TRAIL APPLICATION``, or a verb with its words."""

import sys
import time
from pathlib import Path

from ordertrail.assembly.bus import open_taker
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.errors import UnavailableError


def take(root: Path, application: str) -> None:
    """Take from the bus until asked to end, as a service does."""
    stopping = on_signal()
    while not stopping():
        try:
            with open_taker(root, application) as taker:
                taker.run(stopping)
        except UnavailableError:
            time.sleep(0.2)


if __name__ == "__main__":
    if sys.argv[1] == "take":
        take(Path(sys.argv[2]), sys.argv[3])
    elif sys.argv[1] == "streams":
        from ordertrail.cli.streams import app as streams

        streams(sys.argv[2:])
    else:
        from ordertrail.cli.main import app

        app(sys.argv[1:])
