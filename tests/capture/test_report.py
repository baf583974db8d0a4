"""The published completeness matrix is the one that the tests run."""

import os
from pathlib import Path

import capture.matrix_sql  # noqa: F401 - adds its cases
from capture.matrix import CASES

REPORT = Path(__file__).parents[2] / "docs/reports/completeness.md"

HEAD = """\
# Completeness of capture

Each way of changing rows over SQLAlchemy that the tests run, and on which databases and drivers. In each, what capture
recorded is compared with what the database's own triggers wrote down beside it, in which no code of capture has a part:
the table, the row, its values before and after, and who did it. A case counts only if the two are the same, row for
row; a row too many fails it as a row too few does. `make test` runs them all
(`tests/capture/matrix.py`, `matrix_sql.py`, `test_matrix.py`), and this page is compared with what it runs.

| way of changing rows | SQLite | SQLite, asyncio | PostgreSQL | PostgreSQL, asyncio |
|---|---|---|---|---|
"""

FOOT = """
Drivers: the standard library's sqlite3, aiosqlite, psycopg, asyncpg. An empty cell: the database has no such thing, or
the case is about what an asyncio engine shares with the other.
"""


def test_the_published_matrix_is_the_one_that_runs() -> None:
    """Every case stands in the report, with the databases that it runs on; ``ORDERTRAIL_WRITE=1`` writes it."""
    text = HEAD
    group = None
    for one in sorted(CASES, key=lambda one: [case.group for case in CASES].index(one.group)):
        if one.group != group:
            group = one.group
            text += f"| **{group}** | | | | |\n"
        both = one.only is None
        sqlite = both or one.only == "sqlite"
        postgresql = both or str(one.only).startswith("postgresql")
        waits = one.takes != "engine"
        cells = [
            "100 %" if yes else "" for yes in (sqlite, sqlite and waits, postgresql, postgresql and waits)
        ]
        text += f"| {one.name} | {' | '.join(cells)} |\n"
    text += FOOT
    if os.environ.get("ORDERTRAIL_WRITE") == "1":
        REPORT.write_text(text)
    assert REPORT.read_text() == text
