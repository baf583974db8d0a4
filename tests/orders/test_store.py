"""Orders are kept as the port promises, in memory and in tables; and what is written there is audited."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from sqlalchemy import Engine, create_engine, text

from orders.generated import an_order
from ordertrail.adapters.orders.memory import MemoryOrders
from ordertrail.adapters.orders.policy import order_policy
from ordertrail.adapters.orders.rows import order_from, rows_of
from ordertrail.adapters.orders.store import SqlOrders, create_order_tables, get_order, put_order
from ordertrail.adapters.orders.tables import metadata, order_lines, orders
from ordertrail.capture import Policy, acting
from ordertrail.capture.outbox import create_outbox, pending
from ordertrail.capture.sqlalchemy import capture
from ordertrail.orders.format import format_order
from ordertrail.orders.lines import Line, Price
from ordertrail.orders.model import Order
from ordertrail.orders.ports import NOTHING
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.event import Event
from ordertrail.testing.conformance.orders import OrdersSuite, euros, sample_order
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

replace = msgspec.structs.replace


@pytest.fixture(params=["sqlite", "postgresql"])
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Open engines on one database that has the tables; they are closed when the test ends."""
    engines: list[Engine] = []

    def opening(url: str) -> Callable[[], Engine]:
        def open_one() -> Engine:
            engines.append(create_engine(url))
            return engines[-1]

        create_order_tables(open_one())
        return open_one

    if request.param == "sqlite":
        yield opening(f"sqlite:///{tmp_path / 'orders.db'}")
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        with empty_database(server) as name:
            yield opening(server.url(name).replace("postgresql://", "postgresql+psycopg://"))
            for engine in engines:
                engine.dispose()
    for engine in engines:
        engine.dispose()


class TestMemoryOrders(OrdersSuite):
    """MemoryOrders."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryOrders]:
        """Open it once more."""
        kept = MemoryOrders()
        return lambda: kept

    @pytest.fixture
    def unreachable(self) -> MemoryOrders:
        """Out of reach."""
        kept = MemoryOrders()
        kept.up = False
        return kept


class TestSqlOrders(OrdersSuite):
    """SqlOrders on SQLite and PostgreSQL."""

    @pytest.fixture
    def reopen(self, open_engine: Callable[[], Engine]) -> Callable[[], SqlOrders]:
        """Open it once more."""
        return lambda: SqlOrders(open_engine())

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> SqlOrders:
        """Out of reach."""
        return SqlOrders(create_engine(f"sqlite:///{tmp_path}/away/orders.db"))


@given(an_order())
def test_rows_hold_all_of_an_order(order: Order) -> None:
    """Whatever it is made of: rows, and the same order again."""
    rows = {table: list(by_key.values()) for table, by_key in rows_of(order, 1).items()}
    assert format_order(order_from(rows)) == format_order(order)


def test_an_order_is_put_within_somebody_elses_transaction(open_engine: Callable[[], Engine]) -> None:
    """What is rolled back was never there."""
    engine, order = open_engine(), sample_order()
    with engine.connect() as connection:
        assert put_order(connection, order, NOTHING) == 1
        assert get_order(connection, order.id) is not None
        connection.rollback()
        assert get_order(connection, order.id) is None
        assert connection.scalar(text("SELECT count(*) FROM order_lines")) == 0


def test_each_field_of_a_line_has_its_column() -> None:
    """A field that is added to the model and not to the table is missed here, and not in production."""
    held = {column.info["path"][0] for column in order_lines.columns if "path" in column.info}
    assert held == set(Line.__struct_fields__)
    apart = {
        "lines",
        "totals",
        "original_totals",
        "presentment_totals",
        "buyer",
        "seller",
        "bill_to",
        "ship_to",
    }
    apart |= {"deliver_to", "shipping", "payments", "fulfilments", "returns", "references", "extensions"}
    held = {column.info["path"][0] for column in orders.columns if "path" in column.info}
    assert held == set(Order.__struct_fields__) - apart


@pytest.fixture
def audited(open_engine: Callable[[], Engine]) -> Engine:
    """The tables with capture on, personal columns redacted."""
    engine = open_engine()
    create_outbox(engine)
    capture(engine, Policy.from_dict(order_policy(sealed=False)))
    return engine


def waiting(engine: Engine) -> list[Event]:
    """Return the events that were captured."""
    with engine.connect() as connection:
        return pending(connection)


def told(engine: Engine) -> list[tuple[str, str, list[str], Any]]:
    """Return action, kind, changed columns and order of each event that was captured."""
    return [
        (event.action, event.subject.kind, [change.path for change in event.changes], event.subject.order)
        for event in waiting(engine)
    ]


def test_what_intake_writes_is_audited_as_anyones_writes_are(audited: Engine) -> None:
    """A price, a status back and a line that goes: each is one event of what changed, and of nothing else."""
    store, order = SqlOrders(audited), sample_order()
    with acting("intake", kind="service"):
        assert store.put(order, NOTHING) == 1
        created = told(audited)
        cheaper = replace(order.lines[0], unit_price=Price(amount=euros(900), per="1"))
        assert store.put(replace(order, lines=(cheaper, order.lines[1])), 1) == 2
        assert store.put(replace(order, lines=(cheaper,), status=OrderStatus.ACCEPTED), 2) == 3
    assert {(action, kind) for action, kind, _, _ in created} >= {
        ("order.create", "order"), ("order.line.add", "order_line"), ("shipment.create", "fulfilment"),
    }  # fmt: skip
    assert {order_id for _, _, _, order_id in created} == {order.id}
    since = told(audited)[len(created) :]
    assert [(action, paths) for action, _, paths, _ in since][:1] == [("order.price.change", ["/unit_price"])]
    assert sorted(action for action, _, _, _ in since[1:]) == ["order.line.delete", "order.status.revert"]
    assert "Kyiv" not in str(waiting(audited))


def test_the_policy_names_every_table(audited: Engine) -> None:
    """No order table is left out, and the policy with sealed columns is one too."""
    assert set(order_policy()["tables"]) == set(metadata.tables)
    policy = Policy.from_dict(order_policy())
    assert policy.tables["order_parties"].personal["email"] == "person"
    assert audited.dialect.name in {"sqlite", "postgresql"}
