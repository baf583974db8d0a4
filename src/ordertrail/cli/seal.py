"""``ordertrail seal``: seal what waits, once or as it comes."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.jobs import fed_meanwhile
from ordertrail.cli.attestation import attested_as_dict, end_on_incident, tell_attested
from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import EXIT_INTERRUPTED, err, progress, say, say_json, say_json_line
from ordertrail.kernel.errors import UnavailableError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.attestation import Attested
from ordertrail.services import Trail

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each failure in a row; the last one again and again."""


_IMPATIENCE = 1.0
"""Seconds after which a second signal means: at once."""


def seal(
    trail: TrailOption = TRAIL,
    stream: StreamOption = STREAM,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on sealing what comes, until interrupted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Seal every waiting event in signed Merkle batches, publish them, and anchor the checkpoint."""
    if follow:
        _follow(trail, stream, as_json=as_json)
        return
    with opened(trail) as open_trail:
        with progress("sealing events", quiet=as_json) as advance:
            log = open_trail.log(stream).log
            waiting, done = log.journal.waiting(stream), 0

            def on_batch(sealed: int) -> None:
                nonlocal done
                done += sealed
                advance(done, max(waiting, done))

            sealed = open_trail.seal(stream=stream, on_batch=on_batch)
            head = log.store.head(stream)
        attested = open_trail.attest(stream=stream)
    if as_json:
        told: dict[str, Any] = {"sealed": sealed, "size": head.size, "root": head.root.hex()}
        say_json(told if attested is None else told | {"attested": attested_as_dict(attested)})
        end_on_incident(attested)
        return
    entries = count(head.size, "entry", "entries")
    say(f"Sealed {count(sealed, 'event')}; the log has {entries}, root {head.root.hex()[:16]}…")
    if attested is not None:
        tell_attested(attested)
        end_on_incident(attested)


def _follow(trail: Path, stream: str, *, as_json: bool) -> None:
    """Seal what comes until SIGINT or SIGTERM, and have it indexed where there is an index.

    What is unavailable is tried again, for as long as it takes.
    """
    stopping = _on_signal()
    with fed_meanwhile(trail) as sealed_more:
        _follow_until(stopping, trail, stream, sealed_more, as_json=as_json)


def _follow_until(
    stopping: Callable[[], bool], trail: Path, stream: str, sealed_more: Callable[[], None], *, as_json: bool
) -> None:
    failures = 0

    def tell(sealed: int, attested: Attested | None) -> None:
        nonlocal failures
        failures = 0
        sealed_more()
        if attested is not None:
            say_json_line(attested_as_dict(attested)) if as_json else tell_attested(attested)
        elif as_json:
            say_json_line({"sealed": sealed})

    while not stopping():
        try:
            with opened(trail) as open_trail:
                _say_start(open_trail, stream, as_json=as_json)
                open_trail.follow(stopping, tell, stream=stream)
        except UnavailableError as error:
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            failures += 1
            _say_unavailable(error, pause, as_json=as_json)
            _sleep(pause, stopping)


def _say_start(trail: Trail, stream: str, *, as_json: bool) -> None:
    size = trail.log(stream).log.store.head(stream).size
    if as_json:
        say_json_line({"following": stream, "size": size})
    else:
        say(f"Sealing what comes; the log has {count(size, 'entry', 'entries')}. Ctrl-C ends it cleanly.")


def _say_unavailable(error: UnavailableError, pause: float, *, as_json: bool) -> None:
    if as_json:
        say_json_line({"unavailable": error.message, "again_in_seconds": pause})
    else:
        err.print(f"{error.message}; again in {pause:g} s. What is recorded meanwhile waits, and is safe.")


def _on_signal() -> Callable[[], bool]:
    """Return what says whether the process was asked to end."""
    asked: float | None = None

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        now = time.monotonic()
        # Asked again, and not by one who signals a whole group of processes and each of them: will not wait.
        if asked is not None and now - asked > _IMPATIENCE:
            sys.exit(EXIT_INTERRUPTED)
        asked = asked or now

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return lambda: asked is not None


def _sleep(seconds: float, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping():
        time.sleep(0.1)
