"""What came to nothing is on record too, where it touched what the policy calls sensitive."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from capture.conftest import OpenEngine, captured
from capture.matrix import seed
from capture.shop import ACTOR, Base, Line, Order, events_of
from ordertrail.capture import acting
from ordertrail.record.event import Event


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """The shop with its orders; what seeding did is not recorded."""
    with Session(engine) as session, session.begin():
        seed(session)
    return engine


def events(observer: Engine) -> list[Event]:
    """Return what was recorded."""
    with observer.connect() as connection:
        return events_of(connection)


def test_a_change_that_is_rolled_back_is_an_attempt(shop: Engine, observer: Engine) -> None:
    """A price that was changed and rolled back is told, with both prices; a note is nobody's business."""
    with acting(ACTOR), Session(shop) as session:
        session.get_one(Line, 1).unit_price = Decimal("0.01")
        session.get_one(Order, 1).note = "nothing"
        session.flush()
        session.rollback()
    (event,) = events(observer)
    assert (event.outcome, event.actor.id, event.subject.id) == ("rolled_back", ACTOR, "1")
    assert [(change.before, change.after) for change in event.changes] == [("12.50", "0.01")]


def test_a_savepoint_that_is_rolled_back_is_an_attempt(shop: Engine, observer: Engine) -> None:
    """The transaction goes on and commits, and the attempt inside it is told beside what it did."""
    with acting(ACTOR), Session(shop) as session:
        nested = session.begin_nested()
        session.get_one(Line, 1).unit_price = Decimal("0.01")
        session.flush()
        nested.rollback()
        session.get_one(Order, 1).note = "done"
        session.commit()
    assert sorted(event.outcome for event in events(observer)) == ["rolled_back", "success"]


def test_a_statement_that_fails_is_an_attempt(shop: Engine, observer: Engine) -> None:
    """What the database refused is told with the values that were tried."""
    with acting(ACTOR), Session(shop) as session:
        session.add(Line(id=1, order_id=1, sku="twice", quantity=1, unit_price=Decimal(3)))
        with pytest.raises(IntegrityError):
            session.commit()
    (event,) = events(observer)
    assert event.outcome == "failed"
    assert {change.path: change.after for change in event.changes}["/sku"] == "twice"


def test_a_connection_that_stays_open_tells_its_attempts_at_its_next_transaction(
    shop: Engine, observer: Engine
) -> None:
    """Attempts wait for the connection to be free, not for it to be given back."""
    with acting(ACTOR), shop.connect() as connection:
        connection.execute(update(Line).values(unit_price=1))
        connection.rollback()
        connection.execute(text("SELECT 1"))
        assert [event.outcome for event in events(observer)] == ["rolled_back"] * 5


def test_what_the_database_denies_is_denied(
    bare_engine: Engine, open_engine: OpenEngine, observer: Engine
) -> None:
    """A statement for which the role has no right is told as denied."""
    if bare_engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no roles")
    captured(bare_engine)
    with observer.begin() as connection:
        role = f"reader_{connection.scalar(text('SELECT current_database()'))}"
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT SELECT ON {', '.join(Base.metadata.tables)} TO {role}"))
        connection.execute(text(f"GRANT INSERT ON ordertrail_outbox TO {role}"))
        connection.execute(
            text(f"GRANT SELECT, INSERT, UPDATE ON ordertrail_client, ordertrail_filtered TO {role}")
        )
    try:
        engine = open_engine(connect_args={"user": role})
        captured_without_creating(engine)
        with acting(ACTOR), engine.connect() as connection, pytest.raises(ProgrammingError):
            connection.execute(
                text("INSERT INTO orders (id, status, paid, total) VALUES (9, 'new', false, 1)")
            )
        (event,) = events(observer)
        assert (event.outcome, event.subject.id) == ("denied", "9")
        engine.dispose()
    finally:
        with observer.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def captured_without_creating(engine: Engine) -> None:
    """Begin capture as a role that may create nothing."""
    from capture.shop import POLICY
    from ordertrail.capture.sqlalchemy import capture

    capture(engine, POLICY)


def test_attempts_are_bounded_and_the_rest_is_counted(shop: Engine, observer: Engine) -> None:
    """A thousand undone statements are told one by one, the ones after them by their number."""
    from ordertrail.capture.outbox import filtered

    with acting(ACTOR), shop.connect() as connection:
        for number in range(1_003):
            connection.execute(update(Line).where(Line.id == 1).values(unit_price=number))
        connection.rollback()
    assert len(events(observer)) == 1_000
    with observer.connect() as connection:
        assert filtered(connection)["attempts", "order_lines"] == 3
