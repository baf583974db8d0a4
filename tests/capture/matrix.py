"""Every way in which an application changes rows over SQLAlchemy, as data: a name, its group, and what it does.

A case gets a session (``orm``) or a connection (``core``) inside a transaction that commits when it ends, or the engine
itself (``engine``). The shop is seeded with three orders before: see :func:`seed`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Engine,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from capture.shop import Allocation, Base, Customer, Line, Order, Tag, order_tags

LINES = Base.metadata.tables["order_lines"]
ORDERS = Base.metadata.tables["orders"]

Takes = Literal["orm", "core", "engine"]


@dataclass(frozen=True, slots=True)
class Case:
    """One way of changing rows. ``only`` is the database that has it, where not both do."""

    name: str
    group: str
    takes: Takes
    run: Callable[[Any], None]
    only: str | None = None


CASES: list[Case] = []
"""All cases; those of :mod:`capture.matrix_sql` are among them once it is imported."""


def case(
    group: str, takes: Takes = "orm", only: str | None = None
) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Add a function as a case; its docstring is the case's name."""

    def add(run: Callable[[Any], None]) -> Callable[[Any], None]:
        CASES.append(Case((run.__doc__ or "").rstrip("."), group, takes, run, only))
        return run

    return add


def seed(session: Session) -> None:
    """Three orders of two customers: five lines, two allocations, two tags."""
    session.add_all(
        [
            Customer(id=1, name="Ada"),
            Customer(id=2, name="Ben"),
            Tag(id=1, name="gift"),
            Tag(id=2, name="vip"),
        ]
    )
    session.flush()
    price = Decimal("12.50")
    session.add_all(
        [
            Order(
                id=1,
                number="A-1",
                customer_id=1,
                status="new",
                total=Decimal("25.00"),
                tags=[session.get_one(Tag, 1)],
            ),
            Order(id=2, number="A-2", customer_id=1, status="new", total=Decimal("7.00"), parent_id=None),
            Order(id=3, number="B-1", customer_id=2, status="paid", total=None, note="ship on Monday"),
        ]
    )
    session.flush()
    session.add_all(
        [Line(id=n, order_id=(n + 1) // 2, sku=f"S{n}", quantity=n, unit_price=price) for n in range(1, 6)]
    )
    session.flush()
    session.add_all([Allocation(id=1, line_id=1, quantity=1), Allocation(id=2, line_id=2, quantity=2)])
    session.get_one(Order, 2).parent_id = 1
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        for table in ("orders", "order_lines", "allocations"):
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)"))


# Unit of work -------------------------------------------------------------------------------------------------------


@case("unit of work")
def new_objects(session: Session) -> None:
    """A new order with three lines."""
    lines = [Line(sku=f"N{n}", quantity=n, unit_price=Decimal("3.10")) for n in range(3)]
    session.add(Order(number="N-1", customer_id=2, total=Decimal("9.30"), lines=lines))


@case("unit of work")
def one_field(session: Session) -> None:
    """One field of one object."""
    session.get_one(Order, 1).note = "gift wrap"


@case("unit of work")
def many_objects(session: Session) -> None:
    """Different fields of many objects."""
    for line in session.scalars(select(Line)):
        if line.id % 2:
            line.quantity += 1
        else:
            line.unit_price = Decimal("7.2")


@case("unit of work")
def deleted_object(session: Session) -> None:
    """An object deleted, with its children."""
    session.delete(session.get_one(Order, 1))


@case("unit of work")
def orphan(session: Session) -> None:
    """A child taken out of its parent's collection."""
    order = session.get_one(Order, 1)
    order.lines.pop()


@case("unit of work")
def moved_child(session: Session) -> None:
    """A child moved to another parent."""
    session.get_one(Line, 1).order = session.get_one(Order, 3)


@case("unit of work")
def changed_key(session: Session) -> None:
    """A primary key changed."""
    session.get_one(Allocation, 1).id = 77


@case("unit of work")
def expression(session: Session) -> None:
    """An SQL expression assigned to an attribute: the stored value."""
    session.get_one(Line, 1).quantity = Line.quantity + 5
    session.get_one(Order, 2).total = select(func.sum(Line.quantity * Line.unit_price)).scalar_subquery()


@case("unit of work")
def several_flushes(session: Session) -> None:
    """Several flushes of one row in one transaction: each."""
    order = session.get_one(Order, 1)
    for status in ("confirmed", "packed", "shipped"):
        order.status = status
        session.flush()


@case("unit of work")
def made_changed_deleted(session: Session) -> None:
    """A row made, changed and deleted in one transaction."""
    order = Order(number="T-1", customer_id=1)
    session.add(order)
    session.flush()
    order.note = "no"
    session.flush()
    session.delete(order)


@case("unit of work")
def with_server_defaults(session: Session) -> None:
    """A row most of whose values the database gives."""
    session.add(Order(number=None))


@case("unit of work")
def stale_object(session: Session) -> None:
    """An object that somebody else changed since it was loaded: what was there, not what was loaded."""
    order = session.get_one(Order, 1)
    session.execute(update(Order.__table__).where(Order.__table__.c.id == 1).values(note="meanwhile"))  # type: ignore[arg-type]
    order.note = "mine"


@case("unit of work")
def merged(session: Session) -> None:
    """Objects merged into the session: one that is there, one that is not."""
    session.merge(Order(id=1, note="merged"))
    session.merge(Order(id=50, number="M-50", status="new"))


# ORM statements -----------------------------------------------------------------------------------------------------


@case("ORM statements")
def orm_insert(session: Session) -> None:
    """insert() of one row."""
    session.execute(insert(Order).values(number="I-1", status="new", paid=False))


@case("ORM statements")
def orm_insert_many(session: Session) -> None:
    """insert() of many rows."""
    session.execute(
        insert(Line), [{"order_id": 3, "sku": f"M{n}", "quantity": n, "unit_price": 1} for n in range(5)]
    )


@case("ORM statements")
def orm_insert_returning(session: Session) -> None:
    """insert() of many rows that returns objects, which the application gets."""
    made = session.scalars(
        insert(Line).returning(Line),
        [{"order_id": 3, "sku": f"M{n}", "quantity": n, "unit_price": 1} for n in range(3)],
    ).all()
    assert [line.sku for line in made] == ["M0", "M1", "M2"]


@case("ORM statements")
def orm_update(session: Session) -> None:
    """update() of all rows of a condition, with an expression."""
    session.execute(update(Line).where(Line.quantity > 1).values(quantity=Line.quantity * 2))


@case("ORM statements")
def orm_update_constant(session: Session) -> None:
    """update() of all rows of a condition, with a value."""
    session.execute(update(Order).where(Order.customer_id == 1).values(status="held", total=Decimal("1.5")))


@case("ORM statements")
def orm_update_returning(session: Session) -> None:
    """update() that returns columns, which the application gets."""
    rows = session.execute(
        update(Line).where(Line.order_id == 1).values(quantity=Line.quantity + 1).returning(Line.sku)
    ).all()
    assert sorted(rows) == [("S1",), ("S2",)]


@case("ORM statements")
def orm_update_fetch(session: Session) -> None:
    """update() that synchronizes the session by fetching."""
    orders = session.scalars(select(Order)).all()
    statement = update(Order).where(func.length(Order.number) == 3).values(note="x" * 3)
    session.execute(statement, execution_options={"synchronize_session": "fetch"})
    assert [order.note for order in orders] == ["xxx", "xxx", "xxx"]


@case("ORM statements")
def orm_delete(session: Session) -> None:
    """delete() of all rows of a condition."""
    session.execute(delete(Line).where(Line.sku.in_(["S1", "S3", "S4"])))


@case("ORM statements")
def orm_correlated(session: Session) -> None:
    """update() with a correlated subquery, in its values and in its condition."""
    total = (
        select(func.sum(Line.quantity * Line.unit_price)).where(Line.order_id == Order.id).scalar_subquery()
    )
    session.execute(update(Order).where(exists().where(Line.order_id == Order.id)).values(total=total))


@case("ORM statements")
def orm_by_key(session: Session) -> None:
    """update() in bulk by primary key."""
    session.execute(update(Line), [{"id": n, "quantity": 100 + n} for n in range(1, 5)])


@case("ORM statements")
def bulk_save(session: Session) -> None:
    """bulk_save_objects, of new rows and of rows that are there."""
    line = session.get_one(Line, 1)
    line.quantity = 11
    session.bulk_save_objects(
        [line, *(Line(order_id=2, sku=f"B{n}", quantity=1, unit_price=2) for n in range(3))]
    )


@case("ORM statements")
def bulk_mappings(session: Session) -> None:
    """bulk_insert_mappings and bulk_update_mappings."""
    session.bulk_insert_mappings(
        Order, [{"number": f"K-{n}", "status": "new", "paid": False} for n in range(3)]
    )
    session.bulk_update_mappings(Order, [{"id": 1, "note": "a"}, {"id": 2, "note": "b"}])


# Many-to-many, cascades -----------------------------------------------------------------------------------------------


@case("many-to-many")
def many_to_many(session: Session) -> None:
    """Rows of a secondary table, added and removed."""
    order = session.get_one(Order, 1)
    order.tags.append(session.get_one(Tag, 2))
    session.flush()
    order.tags.remove(session.get_one(Tag, 1))


@case("many-to-many", "core")
def many_to_many_core(connection: Connection) -> None:
    """Rows of a secondary table, by statements."""
    connection.execute(insert(order_tags), [{"order_id": 2, "tag_id": 1}, {"order_id": 2, "tag_id": 2}])
    connection.execute(delete(order_tags).where(order_tags.c.tag_id == 1))


@case("database cascades", "core")
def cascade(connection: Connection) -> None:
    """ON DELETE CASCADE over three levels, and ON DELETE SET NULL."""
    connection.execute(delete(ORDERS).where(ORDERS.c.id == 1))


@case("database cascades")
def cascade_from_outside(session: Session) -> None:
    """ON DELETE CASCADE from a table that is not audited."""
    session.execute(delete(Customer).where(Customer.id == 1))


@case("database cascades", "core")
def cascade_update(connection: Connection) -> None:
    """ON UPDATE CASCADE of a key."""
    connection.execute(update(ORDERS).where(ORDERS.c.id == 3).values(id=303))


# Transactions -------------------------------------------------------------------------------------------------------


@case("transactions")
def savepoints(session: Session) -> None:
    """Savepoints: what was rolled back leaves nothing, what was released stays."""
    order = session.get_one(Order, 1)
    with session.begin_nested():
        order.note = "kept"
    nested = session.begin_nested()
    order.status = "undone"
    session.flush()
    inner = session.begin_nested()
    session.add(Order(number="undone"))
    session.flush()
    inner.commit()
    nested.rollback()
    session.get_one(Order, 2).note = "after"


@case("transactions", "engine")
def rolled_back(engine: Engine) -> None:
    """A transaction rolled back, and one that an error rolled back."""
    with Session(engine) as session:
        session.get_one(Order, 1).note = "never"
        session.flush()
        session.rollback()
    try:
        with engine.begin() as connection:
            connection.execute(update(ORDERS).values(note="never"))
            connection.execute(text("SELECT nothing FROM nowhere"))
    except DBAPIError:
        pass


@case("transactions", "engine")
def autocommit(engine: Engine) -> None:
    """Statements that are a transaction each (isolation level AUTOCOMMIT)."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(update(ORDERS).where(ORDERS.c.id == 1).values(note="at once"))
        connection.execute(
            insert(LINES), [{"order_id": 3, "sku": f"a{n}", "quantity": n, "unit_price": 1} for n in range(2)]
        )


@case("transactions", "engine", only="postgresql with prepared transactions")
def two_phases(engine: Engine) -> None:
    """A transaction in two phases, prepared and committed; another, prepared and rolled back."""
    with engine.connect() as connection:
        transaction = connection.begin_twophase()
        connection.execute(update(ORDERS).where(ORDERS.c.id == 1).values(note="two"))
        transaction.prepare()
        transaction.commit()
        transaction = connection.begin_twophase()
        connection.execute(update(ORDERS).where(ORDERS.c.id == 2).values(note="never"))
        transaction.prepare()
        transaction.rollback()
