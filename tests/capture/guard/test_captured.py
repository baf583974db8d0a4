"""What the application records itself, the guard does not record again."""

import threading

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from capture.conftest import captured
from capture.guard.shop import bypasses, guarded, recorded, seen_rows
from capture.matrix import CASES, Case, seed
from capture.shop import ACTOR, Line, Order
from ordertrail.capture import acting


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.run.__name__)
def test_nothing_that_capture_records_is_a_bypass(one: Case, bare_engine: Engine, observer: Engine) -> None:
    """Of every way of changing rows through capture, the guard records nothing, and keeps nothing."""
    if one.only not in {None, bare_engine.dialect.name}:
        pytest.skip(f"only {one.only} has this")
    with Session(bare_engine) as session, session.begin():
        seed(session)
    engine = captured(guardable(bare_engine))
    with acting(ACTOR, roles=["order.editor"]):
        run(one, engine)
    assert bypasses(observer) == []
    assert seen_rows(observer) == 0


def run(one: Case, engine: Engine) -> None:
    """Do what a case does, and commit."""
    match one.takes:
        case "orm":
            with Session(engine) as session, session.begin():
                one.run(session)
        case "core":
            with engine.begin() as connection:
                one.run(connection)
        case _:
            one.run(engine)


def guardable(engine: Engine) -> Engine:
    """The engine with an outbox and a guard."""
    from ordertrail.capture.outbox import create_outbox

    create_outbox(engine)
    return guarded(engine)


@pytest.fixture
def shop(bare_engine: Engine) -> Engine:
    """The shop, seeded, guarded and captured."""
    with Session(bare_engine) as session, session.begin():
        seed(session)
    return captured(guardable(bare_engine))


def test_what_the_policy_leaves_out_is_no_bypass(shop: Engine, observer: Engine) -> None:
    """Nobody's own work is counted by capture, cascades and all; the guard does not take it for somebody else's."""
    with Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "by nobody"
        session.flush()
        session.execute(text("DELETE FROM orders WHERE id = 2"))
    assert recorded(observer) == []
    assert seen_rows(observer) == 0


def test_a_savepoint_that_is_rolled_back_leaves_nothing(shop: Engine, observer: Engine) -> None:
    """What the guard saw since a savepoint goes with it; what came before and after stays accounted for."""
    with acting(ACTOR), Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "kept"
        nested = session.begin_nested()
        session.get_one(Order, 3).note = "undone"
        session.flush()
        nested.rollback()
        session.get_one(Order, 2).note = "after"
    assert [event.subject.id for event in recorded(observer)] == ["1", "2"]
    assert seen_rows(observer) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("when", ["first", "last", "both"])
def test_constraints_may_be_made_immediate(when: str, shop: Engine, observer: Engine) -> None:
    """SET CONSTRAINTS ALL IMMEDIATE, which frameworks say, has the guard asked early; it waits for the commit."""
    with acting(ACTOR), Session(shop) as session, session.begin():
        if when in {"first", "both"}:
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        session.get_one(Order, 1).note = "checked"
        session.flush()
        if when in {"last", "both"}:
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        session.get_one(Order, 2).note = "checked too"
    assert bypasses(observer) == []
    assert len(recorded(observer)) == 2


def test_many_writers_at_once_are_told_apart(shop: Engine, observer: Engine) -> None:
    """Eight writers through capture and two past it: every captured change once, every bypass once."""
    rounds, errors = 12, []

    def capturing(number: int) -> None:
        try:
            for one in range(rounds):
                with acting(f"clerk-{number}"), Session(shop) as session, session.begin():
                    session.add(
                        Order(number=f"W-{number}-{one}", lines=[Line(sku="x", quantity=1, unit_price=1)])
                    )
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    def passing(number: int) -> None:
        try:
            for one in range(rounds):
                with observer.begin() as connection:
                    _insert(connection, f"R-{number}-{one}")
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=capturing, args=(number,)) for number in range(8)]
    threads += [threading.Thread(target=passing, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    events = recorded(observer)
    past = [event for event in events if event.action == "capture.bypass"]
    assert len(past) == 2 * rounds
    assert len(events) - len(past) == 2 * 8 * rounds
    for client in {event.origin.client for event in events if event.origin}:
        counters = [
            event.origin.counter for event in events if event.origin and event.origin.client == client
        ]
        assert sorted(counters) == list(range(len(counters)))


def _insert(connection: Connection, number: str) -> None:
    connection.exec_driver_sql(f"INSERT INTO orders (number, status, paid) VALUES ('{number}', 'new', false)")
