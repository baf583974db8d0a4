"""A class is a stream: what is captured goes to the stream of its class, and is locked there for the class's term."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from ordertrail.assembly import open_trail
from ordertrail.assembly.relay import open_relay
from ordertrail.capture import Policy as CapturePolicy
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.capture.sqlalchemy.telling import tell
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.record.encoding import encode
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.retention.filing import FilingDoor
from ordertrail.retention.policy import Policy, RetentionClass, Span, Trigger, parse_policy, shortened
from ordertrail.retention.service import RetentionRefusedError
from retention.house import ANNA, BEN, House

POLICY = """\
version = 1

[[classes]]
name = "samples"
basis = "samples are given away"
term_days = 400
order_types = ["sample"]

[[classes]]
name = "german"
preset = "hgb-vouchers"
jurisdictions = ["DE", "AT"]
tenants = ["main"]

[[classes]]
name = "browsing"
basis = "a look leaves no duty"
term_days = 370
actions = ["order.read"]
channels = ["web"]

[[classes]]
name = "default"
basis = "the rest"
term_days = 365
"""
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def an_event(
    action: str = "order.update", tenant: str | None = None, channel: str = "erp", *tags: str
) -> Event:
    """Make an event."""
    return Event(
        id=new_id(),
        time=format_time(NOW),
        action=action,
        actor=Actor("clerk-1", "person"),
        subject=Subject("order", "SO-1", "SO-1", tenant),
        changes=(Change("/note", after="x"),),
        context=Context(channel=channel, tags=tags),
    )


CASES = (
    (an_event("order.update", None, "erp", "order-type:sample"), "samples"),
    (an_event("order.read", "main", "web", "jurisdiction:DE", "order-type:sample"), "samples"),
    (an_event("order.update", "main", "erp", "jurisdiction:AT"), "german"),
    (an_event("order.update", "other", "erp", "jurisdiction:AT"), "default"),
    (an_event("order.read", None, "web"), "browsing"),
    (an_event("order.read", None, "erp"), "default"),
    (an_event(), "default"),
)


@pytest.mark.parametrize(("event", "name"), CASES)
def test_an_event_is_of_its_class(event: Event, name: str) -> None:
    """Kind, order type, channel, jurisdiction and tenant decide; the first class of which all fits has it."""
    assert parse_policy(POLICY).class_of(event).name == name


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trail of one log, with the policy in force."""
    house = House(tmp_path / "trail", now=NOW).begin()
    with house.retention() as retention:
        retention.change_policy(ANNA, POLICY, "as counsel says")
        assert set(retention.logs) >= {"samples", "german", "browsing", "default"}
    return house


@pytest.fixture
def application(tmp_path: Path) -> Iterator[tuple[Engine, str]]:
    """An application's database with an outbox."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    create_outbox(engine)
    capture(engine, CapturePolicy.from_dict({"tables": {}}), name="shop")
    yield engine, url
    engine.dispose()


def told(engine: Engine, events: Sequence[Event]) -> None:
    """Put events into the outbox, as the application's transaction does."""
    with engine.begin() as connection:
        tell(connection, events, "shop")


def by_stream(house: House) -> dict[str, str]:
    """Seal; return the stream of each event."""
    with open_trail(house.root, clock=house.clock) as trail:
        for stream in trail.logs:
            trail.seal(stream=stream)
            assert trail.verify(stream=stream).findings == []
        return {
            read_entry(row.entry).event.id: stream
            for stream, one in trail.logs.items()
            for row in one.log.reader.rows(stream, 0, one.log.store.head(stream).size)
        }


def test_the_relay_files_each_event_by_its_class(house: House, application: tuple[Engine, str]) -> None:
    """What was captured goes to the log of its class, once, and lies in the vault for the class's term."""
    engine, url = application
    told(engine, [event for event, _ in CASES])
    with open_trail(house.root, clock=house.clock) as trail, open_relay(trail, url) as moving:
        done = moving.run()
        assert (done.recorded, done.refused) == (len(CASES), 0)
    streams = by_stream(house)
    assert {event.id: streams[event.id] for event, _ in CASES} == {event.id: name for event, name in CASES}
    with house.retention() as retention:
        for name, least in (("samples", 400), ("browsing", 370), ("german", 8 * 365), ("default", 365)):
            vault = retention.logs[name].vault
            (path,) = [path for path in vault.paths("tile/entries") if "/0" in path or path.endswith("000")][
                :1
            ]
            kept = vault.kept(path)
            assert kept is not None
            assert kept.until is not None
            assert kept.until >= NOW + timedelta(days=least)


def test_a_changed_policy_is_followed_and_nothing_comes_twice(
    house: House, application: tuple[Engine, str]
) -> None:
    """What comes after a change goes where that says, in the same relay; what comes again stays where it was."""
    engine, url = application
    first, second = an_event("order.read", None, "web"), an_event("order.read", None, "web")
    changed = POLICY.replace('actions = ["order.read"]', 'actions = ["order.list"]')
    with open_trail(house.root, clock=house.clock) as trail, open_relay(trail, url) as moving:
        told(engine, [first])
        assert moving.run().recorded == 1
        with house.retention() as retention:
            with pytest.raises(RetentionRefusedError, match="four eyes"):
                retention.change_policy(ANNA, changed, "alone")
            retention.change_policy(ANNA, changed, "together", BEN)
        told(engine, [second])
        told(engine, [first])
        assert moving.run().recorded == 1
    streams = by_stream(house)
    assert (streams[first.id], streams[second.id]) == ("browsing", "default")


def test_a_stream_that_began_later_is_waited_for(house: House, application: tuple[Engine, str]) -> None:
    """An event of a class that this process does not know yet is not put elsewhere: it waits in the outbox."""
    engine, url = application
    later = POLICY.replace(
        '[[classes]]\nname = "browsing"',
        '[[classes]]\nname = "gifts"\nbasis = "x"\nterm_days = 3000\n'
        'order_types = ["gift"]\n\n[[classes]]\nname = "browsing"',
    )
    gift = an_event("order.update", None, "erp", "order-type:gift")
    with open_trail(house.root, clock=house.clock) as trail, open_relay(trail, url) as moving:
        with house.retention() as retention:
            retention.change_policy(ANNA, later, "gifts are kept longer")
        told(engine, [gift])
        with pytest.raises(UnavailableError, match="gifts"):
            moving.run()
    with open_trail(house.root, clock=house.clock) as trail, open_relay(trail, url) as moving:
        assert moving.run().recorded == 1
    assert by_stream(house)[gift.id] == "gifts"


def test_the_deletion_log_is_no_class(house: House) -> None:
    """No event of the trade can be filed among the proofs of what was destroyed."""
    with house.retention() as retention, pytest.raises(InputError, match="deletion log"):
        retention.change_policy(ANNA, POLICY.replace("browsing", "deletions"), "x", BEN)


class _Doors:
    """Remembers what each door was given."""

    def __init__(self) -> None:
        self.given: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> "_Door":
        return _Door(self.given.setdefault(name, []))


class _Door:
    """Records in a list."""

    def __init__(self, given: list[str]) -> None:
        self._given = given

    def record(self, events: Sequence[Event]) -> Recorded:
        self._given += [event.id for event in events]
        return Recorded(recorded=len(events))

    def record_each(self, source: Sequence[Arriving]) -> Iterator[Recorded]:
        own = list(source)
        self._given += [place for place, _ in own]
        yield Recorded(recorded=len(own))


@given(st.lists(st.sampled_from(CASES), max_size=30))
def test_every_line_goes_to_one_door_in_its_sequence(chosen: list[tuple[Event, str]]) -> None:
    """Nothing is lost or doubled on the way, an unreadable line goes where it is refused, and sequence is kept."""
    doors, policy = _Doors(), parse_policy(POLICY)
    known = {one.name: doors[one.name] for one in policy.classes}
    door = FilingDoor(known, "default", lambda: policy)  # type: ignore[arg-type]  # they take what is given
    lines = [(str(n), encode(event)) for n, (event, _) in enumerate(chosen)]
    done = sum(door.record_each([*lines, ("odd", b"{")]), Recorded())
    assert done.recorded == len(chosen) + 1
    for name in known:
        wanted = [str(n) for n, (_, own) in enumerate(chosen) if own == name]
        assert doors.given[name] == [*wanted, *(["odd"] if name == "default" else [])]


_words = st.lists(st.sampled_from(("a", "b")), max_size=2, unique=True).map(tuple)
_some = st.builds(
    RetentionClass,
    name=st.sampled_from(("one", "two", "three")),
    basis=st.just("x"),
    term=st.builds(Span, st.integers(0, 3), st.integers(0, 800)),
    trigger=st.sampled_from((Trigger.EVENT, Trigger.FISCAL_YEAR)),
    tenants=_words,
    order_types=_words,
)
_rest = st.builds(
    RetentionClass, name=st.just("default"), basis=st.just("x"), term=st.builds(Span, st.integers(0, 3))
)
_policies = st.builds(
    lambda some, rest: Policy((*some, rest)),
    st.lists(_some, max_size=3, unique_by=lambda one: one.name).map(
        lambda some: [one for one in some if not one.fits_everything]
    ),
    _rest,
)


@given(_policies, _policies, st.sampled_from((None, "a", "b")), st.sampled_from((None, "a", "b")))
def test_what_is_not_called_shorter_keeps_no_event_for_less(
    before: Policy, after: Policy, tenant: str | None, of_type: str | None
) -> None:
    """A change that needs no second person lets no event go earlier, in whichever class it was and will be."""
    tags = () if of_type is None else (f"order-type:{of_type}",)
    event = an_event("order.update", tenant, "erp", *tags)
    then, now = before.class_of(event).due(event), after.class_of(event).due(event)
    assert then is not None
    assert now is not None
    assert shortened(before, after) or now >= then


@given(_policies)
def test_the_same_policy_shortens_nothing(policy: Policy) -> None:
    """To put a policy in force again, or one in which terms only grow, needs no second person."""
    assert shortened(policy, policy) == []
