"""``ordertrail status``: where the trail stands."""

from dataclasses import asdict

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.clock import parse_time, utc_now
from ordertrail.kernel.numbers import count
from ordertrail.status import Seen, StreamStatus

_KEPT = {
    "": "nothing says how",
    "immutable flag": "read-only, the immutable flag holds",
    "read-only": "read-only; the immutable flag does not hold (off in trail.toml, or the system does not allow it)",
    "COMPLIANCE": "locked in COMPLIANCE mode, which nobody can shorten",
    "GOVERNANCE": "locked in GOVERNANCE mode, which a special right can shorten",
}


def status(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say what is recorded, sealed and published, under which key, and how it is kept."""
    with opened(trail) as open_trail:
        streams = open_trail.status()
    if as_json:
        say_json(
            {
                "trail": str(trail),
                "streams": [asdict(one) for one in streams],
            }
        )
        return
    for one in streams:
        say(f"{one.origin} (stream {one.stream} of {trail})")
        say(
            f"  sealed       {count(one.size, 'event')}"
            + (f", last {one.last_recorded}" if one.last_recorded else "")
        )
        say(
            f"  published    {one.published:,}"
            + ("" if one.published == one.size else "; the rest is anchored by 'seal'")
        )
        say(f"  waiting      {one.waiting:,}" + ("; run 'ordertrail seal'" if one.waiting else ""))
        say(f"  root         {one.root}")
        say(f"  key          {one.key} ({one.keys} so far)")
        say(f"  key at rest  {'not readable by itself' if one.key_encrypted else 'a plain file, mode 0600'}")
        say(f"  kept         write-once for {one.keep_days:,} days: {_KEPT.get(one.kept_by, one.kept_by)}")
        _tell_seen(one)


def _tell_seen(one: StreamStatus) -> None:
    """Say who else has seen the log, and how long ago."""
    if not one.timestamps:
        say("  timestamps   off: times are this machine's own")
    for seen in one.timestamps:
        say(f"  timestamps   {seen.name} " + _when(seen, "stamped", one.published))
    if not one.witnesses:
        say("  witnesses    off: nobody else remembers this log's head; keep its checkpoint elsewhere")
    for seen in one.witnesses:
        say(f"  witnesses    {seen.name} " + _when(seen, "cosigned", one.published))
    if one.quorum is not None:
        say(f"  quorum       {'reached' if one.quorum else 'not reached'} for the published checkpoint")


def _when(seen: Seen, verb: str, published: int) -> str:
    if seen.size is None or seen.time is None:
        return f"has not {verb} this checkpoint"
    age = max(0, round((utc_now() - parse_time(seen.time)).total_seconds()))
    behind = "" if seen.size == published else f", {count(published - seen.size, 'event')} behind"
    return f"{verb} {count(seen.size, 'event')} at {seen.time}, {count(age, 'second')} ago{behind}"
