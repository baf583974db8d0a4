"""A class is a stream: what is captured goes to the stream of its class, and is locked there for the class's term."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from typer.testing import CliRunner

from ordertrail.assembly import open_trail
from ordertrail.assembly.background import Background
from ordertrail.assembly.filing import OWN, door_of
from ordertrail.assembly.jobs import Work
from ordertrail.assembly.relay import open_relay
from ordertrail.assembly.stores import read_settings
from ordertrail.capture import Policy as CapturePolicy
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.capture.sqlalchemy.telling import tell
from ordertrail.cli.main import app
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
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


LATER = POLICY.replace(
    '[[classes]]\nname = "browsing"',
    '[[classes]]\nname = "gifts"\nbasis = "x"\nterm_days = 3000\n'
    'order_types = ["gift"]\n\n[[classes]]\nname = "browsing"',
)


def test_a_stream_that_began_later_is_followed(house: House, application: tuple[Engine, str]) -> None:
    """An event of a class that began after the trail was opened goes there, in the same relay."""
    engine, url = application
    gift = an_event("order.update", None, "erp", "order-type:gift")
    with open_trail(house.root, clock=house.clock) as trail, open_relay(trail, url) as moving:
        with house.retention() as retention:
            retention.change_policy(ANNA, LATER, "gifts are kept longer")
        assert next(iter(trail.logs)) == "default"
        told(engine, [gift])
        assert moving.run().recorded == 1
    assert by_stream(house)[gift.id] == "gifts"


def test_a_service_seals_what_a_later_policy_files(house: House) -> None:
    """The log of a class that began after the service is sealed by it, without being started again."""
    gift, after = an_event("order.update", None, "erp", "order-type:gift"), an_event()
    background = Background(Work(house.root, read_settings(house.root)).jobs())
    background.start()
    try:
        with house.retention() as retention:
            retention.change_policy(ANNA, LATER, "gifts are kept longer")
        with open_trail(house.root) as trail:
            assert door_of(trail).record([gift, after]).recorded == 2
            _wait(lambda: trail.log("gifts").log.store.head("gifts").size == 1)
    finally:
        background.end()
    with open_trail(house.root) as trail:
        assert trail.find(gift.id).stream == "gifts"


def _wait(done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(600):
        if done():
            return
        time.sleep(0.05)
    pytest.fail("it never came about")


def test_what_is_recorded_by_hand_is_filed_too(house: House, tmp_path: Path) -> None:
    """``record`` files each line by its class, one without an id too, and seals every log that it filed into."""
    unnamed = msgspec.json.decode(encode(CASES[0][0]))
    del unnamed["id"]
    source = tmp_path / "events.jsonl"
    source.write_bytes(
        b"\n".join((*(encode(event) for event, _ in CASES), msgspec.json.encode(unnamed))) + b"\n"
    )
    done = CliRunner().invoke(app, ["record", str(source), "--trail", str(house.root), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["recorded"], said["sealed"], said["waiting"]) == (len(CASES) + 1, len(CASES) + 1, 0)
    wanted = [*(name for _, name in CASES), "samples"]
    assert {name: one["size"] for name, one in said["logs"].items()} == {n: wanted.count(n) for n in wanted}
    streams = by_stream(house)
    assert {event.id: streams[event.id] for event, _ in CASES} == {event.id: name for event, name in CASES}


def test_all_or_nothing_is_over_all_classes(house: House, tmp_path: Path) -> None:
    """One line that is no event keeps out the lines of every other class."""
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"\n".join((*(encode(event) for event, _ in CASES), b'{"action":"x"}')) + b"\n")
    command = ["record", str(source), "--trail", str(house.root), "--all-or-nothing"]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    assert f"line {len(CASES) + 1}: action" in str(done.exception)
    assert not {event.id for event, _ in CASES} & by_stream(house).keys()


@pytest.mark.parametrize("stream", sorted(OWN))
def test_nobody_records_among_the_proofs(
    house: House, application: tuple[Engine, str], tmp_path: Path, stream: str
) -> None:
    """Neither by hand nor by a relay: the streams that the trail writes of itself are refused, with the reason."""
    source = tmp_path / "events.jsonl"
    source.write_bytes(encode(an_event()) + b"\n")
    command = ["record", str(source), "--trail", str(house.root), "--stream", stream]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    assert f"{stream} is written by the trail alone" in str(done.exception)
    with (
        open_trail(house.root, clock=house.clock) as trail,
        pytest.raises(InputError, match="by the trail alone"),
        open_relay(trail, application[1], stream=stream),
    ):
        pytest.fail("it opened")


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_log_of_the_trail_itself_is_no_class(house: House, name: str) -> None:
    """No event of the trade can be filed among the proofs of what was destroyed or decided."""
    with house.retention() as retention, pytest.raises(InputError, match="log"):
        retention.change_policy(ANNA, POLICY.replace("browsing", name), "x", BEN)
    with open_trail(house.root, clock=house.clock) as trail:
        assert "governance" not in trail.logs


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
