"""Filters over segments: DuckDB, predicate and pruning say the same; what a segment is left out for, it has not."""

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from columnar.shelves import columns_of, make, opened
from ordertrail.adapters.columnar.duck import TEXTS, Bounds
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Not
from ordertrail.query.filters.worth import Worth
from ordertrail.query.projection import Indexed
from ordertrail.query.segments.manifest import Block
from ordertrail.query.segments.pruning import is_answerable, needed
from ordertrail.query.tables import events
from query.generated import EVENTS, FILTERS, in_sequence, indexed

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
HEIGHT = 2
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
"""Where a file is on disk at once: thousands of segments are made here."""
ASKED: Counter[str] = Counter()
"""Filters by whether segments answer them."""


@settings(
    max_examples=380 if SOAK else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    told=st.lists(EVENTS.map(indexed), min_size=8, max_size=8).map(in_sequence),
    filters=st.lists(FILTERS, min_size=24 if SOAK else 4, max_size=32 if SOAK else 10),
)
def test_duckdb_and_predicate_are_one(told: list[Indexed], filters: list[Filter]) -> None:
    """What DuckDB finds in two segments, pruned or not, is what the predicate means, and all of it."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        opened(Path(folder) / "segments", Bounds(threads=1)) as (shelf, duck),
    ):
        manifests = [make(shelf, Block(HEIGHT, at), told[at * 4 : at * 4 + 4]) for at in (0, 1)]
        columns = columns_of(shelf, duck)
        assert columns.reach() == {"default": 8}
        for one in filters:
            ASKED["answerable" if is_answerable(one) else "of now"] += 1
            if not is_answerable(one):
                assert any(asks_of_now(term) for term in one.terms)
                continue
            meant = {event.position for event in told if one.matches(event)}
            statement = select(events.c.position).where(one.sql(TEXTS))
            kept = {manifest.block.number for manifest in needed(manifests, one)}
            assert {position >> HEIGHT for position in meant} <= kept
            for about in (one, Filter()) if len(kept) < len(manifests) else (one,):
                assert {position for (position,) in columns.run(statement, about)} == meant


@pytest.mark.skipif(not SOAK, reason="a long proof; run by make soak")
def test_ten_thousand_filters_were_held_against_duckdb() -> None:
    """The long form has asked as much as it promises; run with -s it says how much."""
    print("filters held against DuckDB:", dict(ASKED))  # noqa: T201 - a report
    assert ASKED.total() >= 10_000


def asks_of_now(term: object) -> bool:
    """Say whether a term is about how an order stands now."""
    inner = term.term if isinstance(term, Not) else term
    return isinstance(inner, Worth) or getattr(inner, "field", "") == "state"
