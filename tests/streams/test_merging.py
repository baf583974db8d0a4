"""A question over all streams is answered by time, page after page, each event once, however many streams there are."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from ordertrail.assembly import create_trail
from ordertrail.assembly.index import open_query
from ordertrail.assembly.trail import add_log, open_trail
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.query.questions.search import search
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.settings import Settings

EVENTS = 300
TIMES = 40
"""Distinct times of the events: many have the same one, in one stream and in several."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A trail of many streams, and its events' times by their ids."""

    root: Path
    times: dict[str, str]


def spread(root: Path, streams: int, seed: int) -> Spread:
    """Make a trail of so many streams; its events lie in them at random."""
    choose, created = random.Random(seed), "2026-11-22T14:00:00.000000Z"
    with create_trail(root, "shop.example/orders", settings=Settings(immutable=False)):
        pass
    names = ["default", *(f"default-{number}" for number in range(2, streams + 1))]
    for name in names[1:]:
        add_log(root, LogIdentity(name, f"shop.example/orders/{name}", 30, created))
    times, held = {}, dict[str, list[Event]]()
    for number in range(EVENTS):
        time = f"2026-11-22T14:02:{choose.randrange(TIMES):02}.000000Z"
        id_ = f"01935f6e-9c1a-7cc2-b0a5-{choose.getrandbits(48):012x}"
        event = Event(
            id=id_, time=time, action="order.update", actor=Actor("clerk-17", "person"),
            subject=Subject("order", f"SO-{number}", order=f"SO-{number}"),
        )  # fmt: skip
        times[id_] = time
        held.setdefault(choose.choice(names), []).append(event)
    with open_trail(root) as trail:
        for name, events in held.items():
            trail.record(events, stream=name)
            trail.seal(stream=name)
    return Spread(root, times)


@pytest.mark.parametrize("streams", [1, 10, 100])
def test_pages_over_streams_are_one_sequence(tmp_path: Path, streams: int) -> None:
    """Pages of seven, one after the other: newest first, no event twice, none left out; fed late or early."""
    made = spread(tmp_path / "trail", streams, seed=streams)
    with open_query(made.root) as query:
        query.feed()
        asked, found, after = query.parse("actor:clerk-17"), list[str](), None
        while True:
            page = search(query.searches, asked, limit=7, beyond=after)
            found += [hit.event.id for hit in page.hits]
            after = page.older
            if after is None:
                break
    assert sorted(found) == sorted(made.times)
    assert [made.times[id_] for id_ in found] == sorted(made.times.values(), reverse=True)
