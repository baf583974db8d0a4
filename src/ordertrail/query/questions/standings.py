"""Events with where their orders stand now: what a predicate on an order's state or value looks at."""

from collections.abc import Sequence
from dataclasses import replace

from ordertrail.query.ports import Searches
from ordertrail.query.projection import Indexed


def with_standings(searches: Searches, events: Sequence[Indexed]) -> list[Indexed]:
    """Return the events, each with where its order stands, as far as the index knows."""
    orders = {(one.order, one.tenant or "") for one in events if one.order is not None}
    known = searches.standings(sorted(orders)) if orders else {}
    return [replace(one, standing=known.get((one.order or "", one.tenant or ""))) for one in events]
