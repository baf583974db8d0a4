"""What a policy makes of changes: names, forms, what is left out and counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from capture.conftest import captured
from capture.matrix import seed
from capture.shop import ACTOR, Line, Order, events_of
from ordertrail.adapters.memory.people import MemoryPeople
from ordertrail.capture import Policy, acting
from ordertrail.capture.outbox import filtered
from ordertrail.capture.outbox.creation import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.record.event import Change, Event
from ordertrail.record.sealing import Sealer

Recorded = Callable[..., list[Event]]


@pytest.fixture
def recorded(bare_engine: Engine, observer: Engine) -> Recorded:
    """Run work on the seeded shop under a policy; return the events of it."""

    def run(policy: dict[str, Any], work: Callable[[Session], Any], **options: Any) -> list[Event]:
        with Session(bare_engine) as session, session.begin():
            seed(session)
        create_outbox(bare_engine)
        capture(bare_engine, Policy.from_dict(policy), **options)
        with acting(ACTOR, roles=["order.editor"]), Session(bare_engine) as session, session.begin():
            work(session)
        with observer.connect() as connection:
            return events_of(connection)

    return run


def set_line(**values: Any) -> Callable[[Session], Any]:
    """Change one line."""
    return lambda session: session.execute(update(Line).where(Line.id == 1).values(values))


LINES: dict[str, Any] = {"order": "order_id"}


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({"unit_price": Decimal(1), "quantity": 8}, "order.price.change"),
        ({"quantity": 8}, "order.quantity.change"),
        ({"sku": "other"}, "order.line.update"),
    ],
)
def test_an_update_is_named_by_the_first_rule_that_it_meets(
    recorded: Recorded, values: dict[str, Any], action: str
) -> None:
    """A change of price is one, whatever else changed with it."""
    rules = {"unit_price": "order.price.change", "quantity": "order.quantity.change"}
    (event,) = recorded({"tables": {"order_lines": {**LINES, "actions": rules}}}, set_line(**values))
    assert event.action == action


@pytest.mark.parametrize(
    ("to", "action"), [("shipped", "order.status.change"), ("new", "order.status.revert")]
)
def test_a_status_goes_forwards_or_back(recorded: Recorded, to: str, action: str) -> None:
    """A state that lies behind the one before is a reversal, which is sensitive."""
    status = {"column": "status", "order": ["new", "paid", "shipped"]}
    policy = {"tables": {"orders": {"order": "id", "status": status}}}
    (event,) = recorded(policy, lambda s: s.execute(update(Order).where(Order.id == 3).values(status=to)))
    assert (event.action, event.changes) == (action, (Change("/status", "paid", to),))


def test_money_is_told_in_minor_units(recorded: Recorded) -> None:
    """A column of amounts becomes money; an amount finer than its currency is told as it is."""
    policy = {"tables": {"order_lines": {**LINES, "money": {"unit_price": "EUR"}}}}
    (event,) = recorded(policy, set_line(unit_price=Decimal("7.20")))
    euros = [{"amount": amount, "currency": "EUR"} for amount in (1250, 720)]
    assert event.changes == (Change("/unit_price", *euros),)


def test_ignored_fields_are_left_out_and_counted(recorded: Recorded, observer: Engine) -> None:
    """A change of nothing but ignored fields is no event, and is counted."""
    policy = {"tables": {"order_lines": {**LINES, "ignore": ["quantity"]}}}

    def work(session: Session) -> None:
        set_line(quantity=99)(session)
        set_line(quantity=98, sku="x")(session)

    (event,) = recorded(policy, work)
    assert [change.path for change in event.changes] == ["/sku"]
    with observer.connect() as connection:
        assert filtered(connection) == {("ignored", "order_lines"): 1}


def test_redacted_fields_tell_only_that_they_changed(recorded: Recorded) -> None:
    """Neither the old nor the new value leaves the application's tables, not even into the outbox."""
    policy = {"tables": {"order_lines": {**LINES, "redact": ["sku"]}}}
    (event,) = recorded(policy, set_line(sku="secret", quantity=3))
    assert Change("/sku", {"redacted": True}, {"redacted": True}) in event.changes
    assert "secret" not in str(event)


def test_personal_fields_are_sealed_for_their_person(recorded: Recorded, observer: Engine) -> None:
    """What the sealer sealed opens again, and is in the open nowhere in the outbox."""
    people = MemoryPeople()
    sealer = Sealer(people, people, b"k" * 32)
    policy = {"tables": {"orders": {"order": "id", "personal": {"note": "customer_id"}}}}
    work = update(Order).where(Order.id == 1).values(note="Ada Lovelace, 12 St James's Square", status="held")
    (event,) = recorded(policy, lambda session: session.execute(work), sealer=sealer)
    places = {change.path: number for number, change in enumerate(event.changes)}
    assert sealer.open(event, f"/changes/{places['/note']}/after") == "Ada Lovelace, 12 St James's Square"
    assert event.changes[places["/status"]].after == "held"
    with observer.connect() as connection:
        assert "Lovelace" not in str(connection.execute(text("SELECT body FROM ordertrail_outbox")).all())


def test_a_policy_stands_in_each_event(recorded: Recorded) -> None:
    """The tag names the policy's version, or its digest, and the application's version stands beside it."""
    policy = {"version": "2026-11", "application": "shop 4.2", "tables": {"order_lines": LINES}}
    (event,) = recorded(policy, set_line(quantity=9))
    assert event.context is not None
    assert (event.context.tags, event.context.version) == (("policy:2026-11",), "shop 4.2")
    plain = Policy.from_dict({"tables": {"order_lines": LINES}})
    assert plain.tag == f"policy:{plain.digest}"


def test_functions_say_what_columns_do_not(recorded: Recorded) -> None:
    """Order, subject and tenant may be functions of the row."""
    rule = {
        "order": lambda row: f"SO-{row['order_id']}",
        "subject": lambda row: f"SO-{row['order_id']}/{row['sku']}",
        "tenant": lambda _row: "main",
        "kind": "position",
    }
    (event,) = recorded({"tables": {"order_lines": rule}}, set_line(quantity=9))
    assert (event.subject.kind, event.subject.id) == ("position", "SO-1/S1")
    assert (event.subject.order, event.subject.tenant) == ("SO-1", "main")


@pytest.mark.parametrize(
    ("who", "rule"),
    [
        ({}, "unattended"),
        ({"actor": "cron", "kind": "system"}, "system"),
        ({"actor": "temp", "roles": ["viewer"]}, "unprivileged"),
        ({"actor": "cron", "kind": "system", "tags": {"audit"}}, None),
        ({"tags": {"audit"}}, None),
        ({"actor": "clerk-17", "roles": ["order.editor"]}, None),
    ],
)
def test_what_is_no_business_event_is_counted_by_rule(
    bare_engine: Engine, observer: Engine, who: dict[str, Any], rule: str | None
) -> None:
    """Only privileged people's actions are events; the rest is counted, in the transaction that it is of."""
    with Session(bare_engine) as session, session.begin():
        seed(session)
    policy = {"privileged": ["order.editor"], "tables": {"order_lines": LINES, "orders": {"order": "id"}}}
    captured(bare_engine, Policy.from_dict(policy))
    with acting(**who), Session(bare_engine) as session:
        session.execute(update(Line).values(quantity=7))
        session.commit()
        session.execute(update(Order).values(note="undone"))
        session.rollback()
    with observer.connect() as connection:
        assert len(events_of(connection)) == (5 if rule is None else 0)
        assert filtered(connection) == ({} if rule is None else {(rule, "order_lines"): 5})


@pytest.mark.parametrize("share", [True, 1.0, 0.0, False])
def test_reads_are_recorded_as_the_policy_says(recorded: Recorded, observer: Engine, share: float) -> None:
    """All, or none; what a sample leaves out is counted."""
    policy = {"tables": {"orders": {"order": "id", "reads": share}}}
    events = recorded(policy, lambda session: [order.note for order in session.query(Order)])
    assert {event.action for event in events} == ({"order.read"} if share else set())
    assert sorted(event.subject.id for event in events) == (["1", "2", "3"] if share else [])
    with observer.connect() as connection:
        assert filtered(connection) == {}


def test_values_that_no_event_can_hold_are_recorded_as_such(bare_engine: Engine, observer: Engine) -> None:
    """Floats, bytes, huge numbers and texts: each is told, none is dropped, and the transaction commits."""
    postgres = bare_engine.dialect.name == "postgresql"
    kinds = "double precision, big numeric, data bytea" if postgres else "real, big numeric, data blob"
    with bare_engine.begin() as connection:
        connection.execute(
            text(
                f"CREATE TABLE odd (id integer PRIMARY KEY, ratio {kinds}, doc json, words text, at timestamp)"
            )
        )
    captured(bare_engine, Policy.from_dict({"tables": {"odd": {"order": "id"}}}))
    long = "ä" * 20_000
    with acting(ACTOR), bare_engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO odd VALUES (1, :ratio, 12345678901234567, :data, :doc, :words, '2026-11-22 14:02:10.5')"
            ),
            {"ratio": 0.1, "data": b"\x00\xff", "doc": '{"a": [1, 0.5, null]}', "words": long},
        )
    with observer.connect() as connection:
        (event,) = events_of(connection)
    told: dict[str, Any] = {change.path: change.after for change in event.changes}
    assert told["/ratio"] == {"unrepresentable": "float", "text": "0.1"}
    assert told["/big"] in ("12345678901234567", {"unrepresentable": "integer", "text": "12345678901234567"})
    assert told["/data"]["binary"]["length"] == 2
    assert told["/doc"] == {"a": [1, {"unrepresentable": "float", "text": "0.5"}, None]}
    assert told["/words"]["length"] == 40_000
    assert told["/words"]["shortened"] == long[:1_000]
    assert told["/at"] == "2026-11-22T14:02:10.500000"


def test_times_with_a_zone_are_told_in_utc(bare_engine: Engine, observer: Engine) -> None:
    """One instant has one spelling, whatever zone it was given in."""
    if bare_engine.dialect.name == "sqlite":
        pytest.skip("SQLite knows no zones")
    with bare_engine.begin() as connection:
        connection.execute(text("CREATE TABLE odd (id integer PRIMARY KEY, at timestamptz)"))
    captured(bare_engine, Policy.from_dict({"tables": {"odd": {"order": "id"}}}))
    moment = datetime(2026, 11, 22, 14, 2, 10, 120000, tzinfo=UTC)
    with acting(ACTOR), bare_engine.begin() as connection:
        statement = text("INSERT INTO odd VALUES (1, :at)")
        connection.execute(statement, {"at": moment.astimezone(timezone(timedelta(hours=9)))})
    with observer.connect() as connection:
        (event,) = events_of(connection)
    assert event.changes[1].after == "2026-11-22T14:02:10.120000Z"


@pytest.mark.parametrize("strict", [False, True])
def test_what_capture_cannot_do_reaches_the_application_only_if_asked(
    bare_engine: Engine,
    observer: Engine,
    strict: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A function of the policy that fails costs the rows, and the statement is told in their place; or it fails it."""

    def broken(_row: object) -> str:
        raise LookupError("no such order")

    rule = {"order": "order_id", "subject": broken}
    captured(bare_engine, Policy.from_dict({"strict": strict, "tables": {"order_lines": rule}}))
    statement = text("INSERT INTO order_lines (order_id, sku, quantity, unit_price) VALUES (1, 'a', 1, 1)")
    with acting(ACTOR), bare_engine.connect() as connection:
        connection.execute(text("INSERT INTO orders (id, status, paid) VALUES (1, 'new', false)"))
        if strict:
            with pytest.raises(LookupError):
                connection.execute(statement)
            return
        connection.execute(statement)
        connection.commit()
    with observer.connect() as connection:
        (event,) = events_of(connection)
    assert event.action == "capture.statement"


def test_an_outbox_that_cannot_be_written_fails_the_commit(engine: Engine, observer: Engine) -> None:
    """Recorded if and only if committed: without the record there is no commit."""
    with observer.begin() as connection:
        connection.execute(text("ALTER TABLE ordertrail_outbox RENAME TO elsewhere"))
    with acting(ACTOR), engine.connect() as connection:
        connection.execute(text("INSERT INTO orders (id, status, paid) VALUES (7, 'new', false)"))
        with pytest.raises((OperationalError, Exception), match="ordertrail_outbox"):
            connection.commit()
    with observer.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 0
