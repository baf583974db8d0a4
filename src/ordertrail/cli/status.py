"""``ordertrail status``: where the trail stands."""

from dataclasses import asdict

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.numbers import count


def status(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say what is recorded, sealed and published, under which key, and how it is kept."""
    with opened(trail) as open_trail:
        streams = open_trail.status()
    if as_json:
        say_json(
            {
                "trail": str(trail),
                "streams": [asdict(one) for one in streams],
                "timestamper": None,
                "witnesses": [],
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
        say(f"  key at rest  {'encrypted' if one.key_encrypted else 'not encrypted'}, mode 0600")
        say(
            f"  kept         write-once and read-only for {one.keep_days:,} days; immutable flag "
            + (
                "holds"
                if one.immutable
                else "does not hold (off in trail.toml, or the system does not allow it)"
            )
        )
        say("  timestamps   off: times are this machine's own")
        say("  witnesses    off: nobody else remembers this log's head; keep its checkpoint elsewhere")
