"""What the shop's people and services did: orders of several channels, and trouble.

:func:`fill` tells the story of :func:`~ordertrail.testing.story.order_story` once more for each of some days, so that
the newest of them is today. They are calm until the last two: then a price is lowered after approval, orders are
cancelled one after the other at night, a channel cannot be reached. Everything is recorded through the trail's own
door, sealed and indexed. The sequence of the days is drawn from the seed; the same arguments and the same moment tell
the same events, ids included.
:func:`live_story` goes on from there, an event at a time.

:data:`PEOPLE` are who may sign in, and with which roles; who gives them passwords is whoever opens the shop.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from ordertrail.access.roles import Role
from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.service import Query
from ordertrail.services import Trail
from ordertrail.testing.story import order_story

_ORDER: Final = re.compile(rb"SO-(\d{4})(?!\d)")
_LENGTH: Final = timedelta(days=2)
"""How long one telling of the story lasts."""


@dataclass(frozen=True, slots=True)
class Signing:
    """Somebody who may sign in to the shop's trail."""

    name: str
    title: str
    roles: tuple[Role, ...]


PEOPLE: Final = (
    Signing("ada", "Ada Marsh", (Role.AUDITOR,)),
    Signing("ben", "Ben Okoro", (Role.INTAKE_OPERATOR,)),
    Signing("cleo", "Cleo Brandt", (Role.ADMINISTRATOR,)),
    Signing("dara", "Dara Lindt", (Role.TRIAGER,)),
    Signing("eli", "Eli Novak", (Role.VIEWER,)),
    Signing("fay", "Fay Delgado", (Role.EXPORTER,)),
)


def shop_story(until: datetime, *, tellings: int = 6, orders: int = 40, seed: int = 7) -> Iterator[bytes]:
    """Yield the shop's events as JSON lines, the oldest first; the newest happened before ``until`` (aware).

    Each telling has ``orders`` orders of numbers of its own. Raises ValueError for fewer than one telling.
    """
    if tellings < 1:
        raise ValueError("a shop has at least one telling")
    for number in range(tellings):
        lines = list(order_story(orders, seed + number, calm=number < tellings - 1))
        newest = max(parse_time(json.loads(line)["time"]) for line in lines)
        shift = until - timedelta(minutes=3) - newest - (tellings - 1 - number) * _LENGTH
        for line in lines:
            yield _moved(line, shift, number)


def live_story(clock: Clock, *, after: int = 6, orders: int = 40, seed: int = 107) -> Iterator[bytes]:
    """Yield further events without end, each as of the moment in which it is asked for; ``after`` so many tellings."""
    for telling in count(after):
        for line in order_story(orders, seed + telling, calm=True):
            yield _moved(line, clock() - parse_time(json.loads(line)["time"]), telling)


def fill(trail: Trail, query: Query, *, tellings: int = 6, orders: int = 40, seed: int = 7) -> int:
    """Record the shop's story up to now, seal it and bring the index up to it; return how many events there are."""
    lines = shop_story(trail.clock(), tellings=tellings, orders=orders, seed=seed)
    recorded = sum(
        batch.recorded for batch in trail.record_lines((f"event {at}", line) for at, line in enumerate(lines))
    )
    trail.seal()
    query.feed()
    return recorded


def _moved(line: bytes, shift: timedelta, telling: int) -> bytes:
    """Return an event at another time, of an order of another number; its id says the new time (RFC 9562, UUIDv7)."""
    renamed = _ORDER.sub(lambda found: b"SO-%d" % (int(found[1]) + 1_000 * telling), line)
    event: dict[str, Any] = json.loads(renamed)
    moment = parse_time(event["time"]) + shift
    event["time"] = format_time(moment)
    digits = event["id"].replace("-", "")
    milliseconds = f"{moment_microseconds(moment) // 1_000:012x}"
    text = milliseconds + digits[12:]
    event["id"] = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
