"""Laws of shares and of places: fair, complete, the same for everybody, and an order in one stream for ever."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.ids import new_id
from ordertrail.ledger.sharing import share_out
from ordertrail.record.chain import chain_name
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.record.placement import (
    POSITIONS,
    Place,
    Placement,
    change_event,
    fold_placement,
    parse_bounds,
    position_of,
    say_given,
    say_place,
)
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.retention.placing import PlacingDoor

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12)
STREAMS = ("default", "s1", "s2", "s3")


def an_event(order: str, tenant: str | None = None) -> Event:
    """An event of an order."""
    return Event(
        id=new_id(), time="2026-11-22T14:02:10.120000Z", action="order.update",
        actor=Actor("clerk-17", "person"), subject=Subject("order", order, order=order, tenant=tenant),
    )  # fmt: skip


@st.composite
def places(draw: st.DrawFn) -> Place:
    """A place of the home default."""
    first = draw(st.integers(0, POSITIONS - 1))
    end = draw(st.integers(first + 1, POSITIONS))
    return Place("default", draw(st.sampled_from(STREAMS)), first, end, draw(st.sampled_from([None, "acme"])))


@given(NAMES, NAMES, st.randoms())
def test_shares_are_fair_and_complete(streams: list[str], sequencers: list[str], random: object) -> None:
    """Each stream falls to one who is alive, no two differ by more than one, and the sequence of asking is nothing."""
    choose = getattr(random, "choice")  # noqa: B009 - Hypothesis hands over what it shrinks
    holders = {stream: choose([*sequencers, "gone"]) for stream in streams}
    shares = share_out(streams, sequencers, holders, {})
    assert shares == share_out(streams[::-1], sequencers[::-1], holders, {})
    if not sequencers:
        assert shares == {}
        return
    assert shares.keys() == set(streams)
    counted = Counter(dict.fromkeys(sequencers, 0)) | Counter(shares.values())
    sizes = [Counter(shares.values())[name] for name in sequencers]
    assert set(counted) <= set(sequencers)
    assert max(sizes) - min(sizes) <= 1


@given(NAMES, st.lists(st.sampled_from(["p", "q", "r"]), unique=True, min_size=1))
def test_shares_are_steady(streams: list[str], sequencers: list[str]) -> None:
    """What is shared stays as it is; who joins takes no more than a share, and moves nothing else."""
    shares = share_out(streams, sequencers, {}, {})
    assert share_out(streams, sequencers, shares, {}) == shares
    joined = share_out(streams, [*sequencers, "new"], shares, {})
    moved = {stream for stream in streams if joined[stream] != shares[stream]}
    assert all(joined[stream] == "new" for stream in moved)
    assert len(moved) <= -(-len(streams) // (len(sequencers) + 1))


@given(NAMES, st.sampled_from(["p", "q", "gone"]))
def test_what_is_given_by_hand_is_held_to(streams: list[str], name: str) -> None:
    """A stream goes to who was named, while that one is alive; the others are shared fairly all the same."""
    shares = share_out(streams, ["p", "q"], {}, dict.fromkeys(streams[:1], name))
    assert shares.keys() == set(streams)
    if streams and name != "gone":
        assert shares[streams[0]] == name


class Stream:
    """A stream in memory, and the door to it."""

    def __init__(self) -> None:
        self.chains: set[str | None] = set()
        self.ids: list[str] = []

    def record(self, events: Iterable[Event]) -> Recorded:
        """Take events."""
        for event in events:
            self.chains.add(chain_name(event.subject.order, event.subject.tenant))
            self.ids.append(event.id)
        return Recorded(len(self.ids))

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Take nothing: not asked here."""
        raise NotImplementedError

    def record_all(self, source: Iterable[Arriving]) -> Recorded:
        """Take nothing: not asked here."""
        raise NotImplementedError


@given(st.lists(places() | st.integers(0, 9), max_size=30))
def test_an_order_is_in_one_stream_whatever_is_moved(steps: list[Place | int]) -> None:
    """Events and moves in any sequence: all events of an order are in the stream in which it began."""
    streams = {name: Stream() for name in STREAMS}
    moved: list[Place] = []

    def seated(stream: str, chains: Collection[str]) -> frozenset[str]:
        return frozenset(chain for chain in chains if chain in streams[stream].chains)

    door = PlacingDoor("default", streams, lambda: Placement(tuple(moved)), seated)
    for step in steps:
        if isinstance(step, Place):
            moved.append(step)
        else:
            door.record([an_event(f"SO-{step}", "acme" if step % 2 else None) for _ in range(2)])
    begun: Counter[str | None] = Counter(chain for stream in streams.values() for chain in stream.chains)
    assert all(times == 1 for times in begun.values())
    assert sum(len(stream.ids) for stream in streams.values()) == 2 * sum(
        isinstance(step, int) for step in steps
    )


@given(st.lists(places(), max_size=10), st.sampled_from([None, "p"]))
def test_a_placement_is_what_its_events_say(said: list[Place], name: str | None) -> None:
    """Written as events, encoded, and folded again, it is the same; a half of all orders is a half of the positions."""
    actor = Actor("ops", "person")
    events = [
        change_event("2026-11-22T14:02:10.120000Z", one.stream, say_place(one), actor, "") for one in said
    ]
    events.append(change_event("2026-11-22T14:02:10.120000Z", "s1", say_given(name), actor, ""))
    assert all(encode(event) for event in events)
    folded = fold_placement(events)
    assert (folded.places, dict(folded.given)) == (tuple(said), {} if name is None else {"s1": "p"})
    assert all(parse_bounds(one.bounds) == (one.first, one.end) for one in said)


def test_positions_are_drawn_evenly() -> None:
    """Each half and each quarter of the positions has its share of many orders, within a tenth of it."""
    counted = Counter(position_of(an_event(f"SO-{number}")) * 4 // POSITIONS for number in range(4_000))
    assert all(900 <= counted[quarter] <= 1_100 for quarter in range(4))
    assert _same(position_of(an_event("SO-1", "acme")) for _ in range(3))


def _same(values: Iterable[int]) -> bool:
    found: Sequence[int] = list(values)
    return len(set(found)) == 1
