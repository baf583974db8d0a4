"""Cards, facts, links, exceptions and reckonings in SQL tables, for any database that SQLAlchemy Core speaks to here.

Each call is one transaction. On SQLite a transaction that writes takes the one writer's place at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, and_, delete, exc, literal, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.adapters.correlate.tables import (
    card_keys,
    cards,
    exceptions,
    fact_keys,
    facts,
    links,
    metadata,
    payers,
    reckonings,
)
from ordertrail.adapters.state import create_tables
from ordertrail.correlate.facts import Fact, FactKey, FactKind, Thing, parse_thing
from ordertrail.correlate.matching.cards import Key, KeyKind, OrderCard, keys_of
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.reconciling.exceptions import Exceptional, Standing
from ordertrail.correlate.reconciling.totals import Reckoning
from ordertrail.kernel.errors import UnavailableError
from ordertrail.kernel.money import Money

_MANY = 200
"""Keys of one query."""

_decode_fact = msgspec.json.Decoder(Fact).decode
_decode_link = msgspec.json.Decoder(Link).decode
_decode_exceptional = msgspec.json.Decoder(Exceptional).decode
_decode_reckoning = msgspec.json.Decoder(Reckoning).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class BooksDatabase:
    """The database of the projections."""

    engine: Engine

    def create(self) -> None:
        """Create the tables that are not there yet."""
        with _translated():
            create_tables(self.engine, metadata)

    def clear(self) -> None:
        """Forget everything, to make it again."""
        with self.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes."""
        with _translated(), self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def put(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows, each in the place of the one of its key before."""
        keys = [column.name for column in table.primary_key]
        made = self._insert(table)
        rest = {column.name: made.excluded[column.name] for column in table.c if not column.primary_key}
        made = made.on_conflict_do_update(index_elements=keys, set_=rest) if rest else self._once(made, keys)
        for some in _some(rows):
            connection.execute(made, list(some))

    def add(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows that are not there yet."""
        keys = [column.name for column in table.primary_key]
        for some in _some(rows):
            connection.execute(self._once(self._insert(table), keys), list(some))

    def _insert(self, table: Table) -> Any:
        return postgresql.insert(table) if self.engine.dialect.name == "postgresql" else sqlite.insert(table)

    @staticmethod
    def _once(made: Any, keys: Sequence[str]) -> Any:
        return made.on_conflict_do_nothing(index_elements=keys)


class SqlCards:
    """Implements :class:`~ordertrail.correlate.matching.ports.Cards`."""

    def __init__(self, database: BooksDatabase) -> None:
        self._database = database

    def put(self, cards_: Iterable[OrderCard]) -> None:
        """See the port."""
        found = {card.order: card for card in cards_}
        rows = [_card_row(card) for card in found.values()]
        keys = [
            {"kind": str(key.kind), "value": key.value, "order": card.order}
            for card in found.values()
            for key in sorted(card.keys)
        ]
        with self._database.writing() as connection:
            for some in _some(list(found)):
                connection.execute(delete(card_keys).where(card_keys.c.order.in_(some)))
            self._database.put(connection, cards, rows)
            self._database.add(connection, card_keys, keys)

    def find(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[OrderCard]]:
        """See the port."""
        wanted = list(dict.fromkeys(keys))
        orders: dict[Key, list[str]] = {}
        with self._database.reading() as connection:
            for some in _some(wanted):
                for row in connection.execute(select(card_keys).where(_any_key(card_keys, some))):
                    orders.setdefault(Key(KeyKind(row.kind), row.value), []).append(row.order)
            known = _cards(connection, {order for own in orders.values() for order in own})
        return {key: [known[order] for order in sorted(own)] for key, own in orders.items()}

    def near(self, amount: Money, since: str, until: str, limit: int) -> Sequence[OrderCard]:
        """See the port."""
        asked = (
            select(cards.c.order)
            .where(cards.c.amount == amount.amount, cards.c.currency == amount.currency)
            .where(cards.c.placed >= since, cards.c.placed <= until)
            .order_by(cards.c.placed.desc(), cards.c.order.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            names = list(connection.scalars(asked))
            known = _cards(connection, names)
        return [known[name] for name in reversed(names)]


class SqlFacts:
    """Implements :class:`~ordertrail.correlate.matching.ports.Facts`."""

    def __init__(self, database: BooksDatabase) -> None:
        self._database = database

    def add(self, facts_: Iterable[Fact], payers_: Mapping[Thing, str]) -> Sequence[Fact]:
        """See the port."""
        told: dict[FactKey, Fact] = {}
        for fact in facts_:
            told.setdefault(fact.key, fact.without_payer())
        known = self.known(told)
        new = [fact for key, fact in told.items() if key not in known]
        keys = {(key, fact.about) for fact in new for key in keys_of(fact)}
        with self._database.writing() as connection:
            self._database.add(connection, facts, [_fact_row(fact) for fact in new])
            rows = [
                {"kind": str(key.kind), "value": key.value, "thing": str(thing)}
                for key, thing in sorted(keys)
            ]
            self._database.add(connection, fact_keys, rows)
            own = [{"thing": str(thing), "payer": payer} for thing, payer in payers_.items()]
            self._database.put(connection, payers, own)
        return new

    def known(self, keys: Iterable[FactKey]) -> frozenset[FactKey]:
        """See the port."""
        found = []
        with self._database.reading() as connection:
            for some in _some(list(keys)):
                same = [
                    and_(
                        facts.c.system == key.system,
                        facts.c.account == key.account,
                        facts.c.kind == str(key.kind),
                        facts.c.id == key.id,
                    )
                    for key in some
                ]
                asked = select(facts.c.system, facts.c.account, facts.c.kind, facts.c.id).where(or_(*same))
                found += [
                    FactKey(row.system, row.account, FactKind(row.kind), row.id)
                    for row in connection.execute(asked)
                ]
        return frozenset(found)

    def of(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Fact]]:
        """See the port."""
        found: dict[Thing, list[Fact]] = {}
        with self._database.reading() as connection:
            for some in _some(list(dict.fromkeys(things))):
                asked = select(facts.c.fact).where(facts.c.thing.in_([str(thing) for thing in some]))
                for data in connection.scalars(asked):
                    fact = _decode_fact(data)
                    found.setdefault(fact.about, []).append(fact)
        return {
            thing: sorted(own, key=lambda fact: (fact.time, fact.kind, fact.id))
            for thing, own in found.items()
        }

    def things(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[Thing]]:
        """See the port."""
        found: dict[Key, list[Thing]] = {}
        with self._database.reading() as connection:
            for some in _some(list(dict.fromkeys(keys))):
                for row in connection.execute(select(fact_keys).where(_any_key(fact_keys, some))):
                    found.setdefault(Key(KeyKind(row.kind), row.value), []).append(parse_thing(row.thing))
        return {key: sorted(own) for key, own in found.items()}

    def payer(self, thing: Thing) -> str | None:
        """See the port."""
        with self._database.reading() as connection:
            found: str | None = connection.scalar(select(payers.c.payer).where(payers.c.thing == str(thing)))
            return found

    def pages(self, things: int) -> Iterator[Sequence[Fact]]:
        """See :class:`~ordertrail.correlate.matching.ports.EveryFact`."""
        after = ""
        while True:
            asked = select(facts.c.thing).where(facts.c.thing > after).distinct().order_by(facts.c.thing)
            with self._database.reading() as connection:
                names = list(connection.scalars(asked.limit(things)))
            if not names:
                return
            after = names[-1]
            found = self.of(map(parse_thing, names))
            yield [fact for own in found.values() for fact in own]


class SqlLinks:
    """Implements :class:`~ordertrail.correlate.matching.ports.Links`."""

    def __init__(self, database: BooksDatabase) -> None:
        self._database = database

    def of_things(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Link]]:
        """See the port."""
        found: dict[Thing, list[Link]] = {}
        for link in self._links([str(thing) for thing in things], "thing"):
            found.setdefault(link.thing, []).append(link)
        return found

    def of_orders(self, orders: Iterable[str]) -> Mapping[str, Sequence[Link]]:
        """See the port."""
        found: dict[str, list[Link]] = {}
        for link in self._links(list(orders), "order"):
            found.setdefault(link.order, []).append(link)
        return found

    def standing(self, state: LinkState, limit: int, beyond: Link | None = None) -> Sequence[Link]:
        """See the port."""
        asked = (
            select(links.c.link)
            .where(links.c.state == str(state))
            .order_by(links.c.confidence.desc(), links.c.thing, links.c.order)
            .limit(limit)
        )
        if beyond is not None:
            here = tuple_(links.c.thing, links.c.order)
            after = here > tuple_(literal(str(beyond.thing)), literal(beyond.order))
            less = links.c.confidence < beyond.confidence
            asked = asked.where(or_(less, and_(links.c.confidence == beyond.confidence, after)))
        with self._database.reading() as connection:
            return [_decode_link(data) for data in connection.scalars(asked)]

    def apply(self, links_: Iterable[Link]) -> None:
        """See the port."""
        rows = {
            (link.thing, link.order): {
                "thing": str(link.thing),
                "order": link.order,
                "state": str(link.state),
                "confidence": link.confidence,
                "link": _encode(link),
            }
            for link in links_
        }
        with self._database.writing() as connection:
            self._database.put(connection, links, list(rows.values()))

    def _links(self, names: Sequence[str], column: str) -> Iterator[Link]:
        with self._database.reading() as connection:
            for some in _some(list(dict.fromkeys(names))):
                asked = (
                    select(links.c.link)
                    .where(links.c[column].in_(some))
                    .order_by(links.c.thing, links.c.order)
                )
                yield from map(_decode_link, connection.scalars(asked))


class SqlExceptions:
    """Implements :class:`~ordertrail.correlate.reconciling.ports.Exceptions`."""

    def __init__(self, database: BooksDatabase) -> None:
        self._database = database

    def of(self, orders: Iterable[str]) -> Sequence[Exceptional]:
        """See the port."""
        found: list[Exceptional] = []
        with self._database.reading() as connection:
            for some in _some(sorted(set(orders))):
                asked = select(exceptions.c.exceptional).where(exceptions.c.order.in_(some))
                found += map(_decode_exceptional, connection.scalars(asked))
        return sorted(found, key=lambda one: one.discrepancy.key)

    def apply(self, exceptions_: Iterable[Exceptional]) -> None:
        """See the port."""
        rows = {
            one.discrepancy.key: {
                "order": one.discrepancy.order,
                "kind": str(one.discrepancy.kind),
                "standing": str(one.standing),
                "amount": 0 if one.discrepancy.at_risk is None else one.discrepancy.at_risk.amount,
                "exceptional": _encode(one),
            }
            for one in exceptions_
        }
        with self._database.writing() as connection:
            self._database.put(connection, exceptions, list(rows.values()))

    def open(self, limit: int | None = None) -> Sequence[Exceptional]:
        """See the port."""
        asked = (
            select(exceptions.c.exceptional)
            .where(exceptions.c.standing == str(Standing.OPEN))
            .order_by(exceptions.c.amount.desc(), exceptions.c.order, exceptions.c.kind)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_decode_exceptional(data) for data in connection.scalars(asked)]


class SqlReckonings:
    """Implements :class:`~ordertrail.correlate.reconciling.ports.Reckonings`."""

    def __init__(self, database: BooksDatabase) -> None:
        self._database = database

    def keep(self, reckoning: Reckoning) -> None:
        """See the port."""
        row = {"time": reckoning.time, "reckoning": _encode(reckoning)}
        with self._database.writing() as connection:
            self._database.put(connection, reckonings, [row])
            connection.execute(delete(reckonings).where(reckonings.c.time < reckoning.time))

    def last(self) -> Reckoning | None:
        """See the port."""
        asked = select(reckonings.c.reckoning).order_by(reckonings.c.time.desc()).limit(1)
        with self._database.reading() as connection:
            found = connection.scalar(asked)
        return None if found is None else _decode_reckoning(found)


def _cards(connection: Connection, orders: Iterable[str]) -> dict[str, OrderCard]:
    names = sorted(set(orders))
    keys: dict[str, set[Key]] = {name: set() for name in names}
    found: dict[str, OrderCard] = {}
    for some in _some(names):
        for row in connection.execute(select(card_keys).where(card_keys.c.order.in_(some))):
            keys[row.order].add(Key(KeyKind(row.kind), row.value))
        for row in connection.execute(select(cards).where(cards.c.order.in_(some))):
            amount = None if row.amount is None else Money(row.amount, row.currency)
            own = frozenset(keys[row.order])
            found[row.order] = OrderCard(row.order, row.tenant, own, amount, row.placed, row.payer)
    return found


def _card_row(card: OrderCard) -> dict[str, Any]:
    return {
        "order": card.order,
        "tenant": card.tenant,
        "amount": None if card.amount is None else card.amount.amount,
        "currency": None if card.amount is None else card.amount.currency,
        "placed": card.placed,
        "payer": card.payer,
    }


def _fact_row(fact: Fact) -> dict[str, Any]:
    return {
        "system": fact.system,
        "account": fact.account,
        "kind": str(fact.kind),
        "id": fact.id,
        "thing": str(fact.about),
        "time": fact.time,
        "fact": _encode(fact),
    }


def _any_key(table: Table, keys: Sequence[Key]) -> Any:
    kinds: dict[str, list[str]] = {}
    for key in keys:
        kinds.setdefault(str(key.kind), []).append(key.value)
    return or_(*(and_(table.c.kind == kind, table.c.value.in_(values)) for kind, values in kinds.items()))


def _some(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield rows in pieces that every database takes at once."""
    remaining = iter(rows)
    while some := list(islice(remaining, _MANY)):
        yield some


@contextmanager
def _translated() -> Iterator[None]:
    """Tell the driver's errors in our own words."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.PendingRollbackError) as error:
        raise UnavailableError(
            f"the database of correlation cannot be used now: {error.args[0]}",
            meaning="What is on record stays on record; what is kept beside it is made again from that.",
            remedy="Look at the database; work goes on by itself.",
        ) from error
