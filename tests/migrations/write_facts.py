"""Writes the schema's ``facts.txt`` anew, after a change of it: ``python tests/migrations/write_facts.py``."""

import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FACTS = TESTS.parent / "src/ordertrail/adapters/sql/ddl/postgresql/facts.txt"


def written(url: str) -> str:
    """Return what the file must say, by a database that has one month's partition at least."""
    from ordertrail.adapters.sql.dialects.postgresql.audit import Facts, facts
    from ordertrail.adapters.sql.opening import open_database

    def lines(found: Facts) -> Iterator[str]:
        yield from (f"{thing}\t{fact}" for thing, every in found.items() for fact in every)

    database = open_database(url)
    with database.read() as connection:
        ours, partitions = facts(connection)
    database.close()
    months = {frozenset(lines(found)) for found in partitions.values()}
    assert len(months) == 1, "all partitions are alike"
    return "\n".join(sorted({*lines(ours), *months.pop()})) + "\n"


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS)]
    from servers.databases import trail_database
    from servers.postgresql import running

    with running() as server, trail_database(server) as trail:
        trail.run("SELECT add_month('2026-11-01')")
        FACTS.write_text(written(trail.url("auditor")))
