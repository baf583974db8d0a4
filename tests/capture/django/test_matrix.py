"""Completeness in Django: every way of changing rows, on every database, against what the database itself saw."""

from contextlib import nullcontext

import pytest
from django.db import connection, transaction

import capture.django.matrix_sql  # noqa: F401 - adds its cases
from capture.django.conftest import Database
from capture.django.matrix import CASES, Case
from capture.django.oracle import changed_rows, columns_of, install_oracle, observing, recorded_rows
from capture.django.settings import TABLES
from ordertrail.capture import acting
from ordertrail.capture.django import pending

ACTOR = "clerk-17"


@pytest.mark.parametrize("mode", ["autocommit", "atomic"])
@pytest.mark.parametrize("one", CASES, ids=lambda one: one.run.__name__)
def test_every_row_that_changed_is_recorded(one: Case, mode: str, shop: Database) -> None:
    """What capture recorded is what the database's own triggers saw: rows, before, after, and who."""
    if one.only not in {None, connection.vendor} or one.mode not in {None, mode}:
        pytest.skip("this case is another's")
    with observing(shop) as observer:
        install_oracle(observer, columns_of(TABLES))
        with (
            acting(ACTOR, roles=["order.editor"]),
            transaction.atomic() if mode == "atomic" else nullcontext(),
        ):
            one.run()
        seen = changed_rows(
            observer.execute("SELECT tbl, op, old, new FROM oracle ORDER BY n").fetchall(), ACTOR
        )
    events = pending()
    recorded = recorded_rows([event for event in events if event.outcome == "success"], TABLES)
    assert recorded == seen
    counters = [event.origin.counter for event in events if event.origin]
    assert counters == list(range(len(events)))
