"""The parcels of a carrier's account that are on their way: told of by it, or named by orders, and not at their end."""

import re
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, select, union

from ordertrail.adapters.correlate.books import BooksDatabase
from ordertrail.adapters.correlate.tables import card_keys, cards, fact_keys, facts
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.matching.cards import KeyKind
from ordertrail.intake.delivery import Source
from ordertrail.kernel.clock import Clock, format_time

_LOOKED_AT: Final = 500
"""Numbers of one query."""
_OVER: Final = frozenset({str(FactKind.DELIVERED), str(FactKind.RETURNED)})
"""What is told last of a parcel."""
ASKED_FOR: Final = timedelta(days=120)
"""How long after its order a parcel is asked for; carriers know of it no longer than that."""


class SqlParcels:
    """Implements :class:`~ordertrail.correlate.asking.Parcels`.

    A number that only an order names is asked of the carrier whose numbers look like that; one of which the account
    told is asked of it whatever it looks like.
    """

    def __init__(self, database: BooksDatabase, source: Source, pattern: str, clock: Clock) -> None:
        self._database = database
        self._things = f"{source}/parcel/"
        self._looks = re.compile(pattern or "(?!)")
        self._clock = clock

    def after(self, number: str) -> str | None:
        """See the port."""
        since = format_time(self._clock() - ASKED_FOR)
        with self._database.reading() as connection:
            while numbers := self._page(connection, number, since):
                told = self._told(connection, numbers)
                for one in numbers:
                    kinds = told.get(one, set())
                    if not kinds & _OVER and (kinds or self._looks.fullmatch(one)):
                        return one
                number = numbers[-1]
        return None

    def _page(self, connection: Connection, after: str, since: str) -> list[str]:
        """Return numbers behind one, in their sequence: those that orders name, and those that the account told of."""
        named = (
            select(card_keys.c.value)
            .join(cards, cards.c.order == card_keys.c.order)
            .where(
                card_keys.c.kind == str(KeyKind.PARCEL), card_keys.c.value > after, cards.c.placed >= since
            )
        )
        told = (
            select(fact_keys.c.value)
            .join(facts, facts.c.thing == fact_keys.c.thing)
            .where(fact_keys.c.kind == str(KeyKind.PARCEL), fact_keys.c.value > after, facts.c.time >= since)
            .where(fact_keys.c.thing.startswith(self._things, autoescape=True))
        )
        both = union(named, told).subquery()
        asked = select(both.c.value).order_by(both.c.value).limit(_LOOKED_AT)
        return list(connection.scalars(asked))

    def _told(self, connection: Connection, numbers: list[str]) -> dict[str, set[str]]:
        """Return what the account told of parcels: the kinds of its facts."""
        asked = (
            select(fact_keys.c.value, facts.c.kind)
            .join(facts, facts.c.thing == fact_keys.c.thing)
            .where(fact_keys.c.kind == str(KeyKind.PARCEL), fact_keys.c.value.in_(numbers))
            .where(fact_keys.c.thing.startswith(self._things, autoescape=True))
        )
        found: dict[str, set[str]] = {}
        for row in connection.execute(asked):
            found.setdefault(row.value, set()).add(row.kind)
        return found
