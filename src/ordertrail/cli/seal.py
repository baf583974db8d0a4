"""``ordertrail seal``: seal what waits."""

from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import progress, say, say_json
from ordertrail.kernel.numbers import count


def seal(trail: TrailOption = TRAIL, stream: StreamOption = STREAM, as_json: JsonOption = False) -> None:
    """Seal every waiting event in signed Merkle batches, publish them, and anchor the checkpoint."""
    with opened(trail) as open_trail, progress("sealing events", quiet=as_json) as advance:
        log = open_trail.log(stream).log
        waiting, done = log.journal.waiting(stream), 0

        def on_batch(sealed: int) -> None:
            nonlocal done
            done += sealed
            advance(done, max(waiting, done))

        sealed = open_trail.seal(stream=stream, on_batch=on_batch)
        head = log.store.head(stream)
    if as_json:
        say_json({"sealed": sealed, "size": head.size, "root": head.root.hex()})
    else:
        entries = count(head.size, "entry", "entries")
        say(f"Sealed {count(sealed, 'event')}; the log has {entries}, root {head.root.hex()[:16]}…")
