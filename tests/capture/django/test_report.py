"""The published completeness matrix of Django is the one that the tests run."""

import os
from pathlib import Path

import capture.django.matrix_sql  # noqa: F401 - adds its cases
from capture.django.matrix import CASES

REPORT = Path(__file__).parents[3] / "docs/reports/completeness-django.md"

HEAD = """\
# Completeness of capture in Django

Each way of changing rows over Django that the tests run, in autocommit mode and inside `atomic`, and on which
databases. In each, what capture recorded is compared with what the database's own triggers wrote down beside it, in
which no code of capture has a part: the table, the row, its values before and after, and who did it. A case counts only
if the two are the same, row for row. `make test` runs them all
(`tests/capture/django/matrix.py`, `matrix_sql.py`, `test_matrix.py`), and this page is compared with what it runs.
[The same for SQLAlchemy](completeness.md).

| way of changing rows | SQLite, autocommit | SQLite, atomic | PostgreSQL, autocommit | PostgreSQL, atomic |
|---|---|---|---|---|
"""

FOOT = """
An empty cell: the database has no such thing, or the case makes its own transactions.

Beside these cases, `tests/capture/django/oscar_shop/journey.py` lives the life of orders in django-oscar, an
application that nobody here wrote, through its own pages and classes, under the same comparison of all its order and
payment tables.
"""


def test_the_published_matrix_is_the_one_that_runs() -> None:
    """Every case stands in the report, with the databases that it runs on; ``ORDERTRAIL_WRITE=1`` writes it."""
    text = HEAD
    for group in dict.fromkeys(one.group for one in CASES):
        text += f"| **{group}** | | | | |\n"
        for one in CASES:
            if one.group != group:
                continue
            cells = [
                "100 %" if one.only in {None, vendor} and one.mode in {None, mode} else ""
                for vendor in ("sqlite", "postgresql")
                for mode in ("autocommit", "atomic")
            ]
            text += f"| {one.name} | {' | '.join(cells)} |\n"
    text += FOOT
    if os.environ.get("ORDERTRAIL_WRITE") == "1":
        REPORT.write_text(text)
    assert REPORT.read_text() == text


def test_case_names_are_unique() -> None:
    """The published matrix names each case once."""
    assert len({(one.group, one.name) for one in CASES}) == len(CASES)
