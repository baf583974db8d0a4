"""Whether a trail's schema on PostgreSQL is as it was created, and deeper: whether its pages and indexes are sound.

``ddl/postgresql/facts.sql`` asks the server's own catalogue for everything that is so of the schema, and
``facts.txt`` is its answer in a schema that was just created, a line each::

    thing<TAB>fact

Partitions are called ``entry_*`` there: each must be as if it were the only one.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files

from sqlalchemy import Connection, exc

from ordertrail.adapters.sql.dialects.postgresql.errors import driver_error

Facts = Mapping[str, frozenset[str]]
"""What is so of each thing; one name may stand for more than one."""

_PARTITION = re.compile(r"entry_(\d{4})_(\d{2})", re.ASCII)
_ANY = "entry_*"


def problems(connection: Connection, *, deep: bool) -> Iterator[str]:
    """Yield what keeps the tables from being append-only; ``deep`` looks at every page and index."""
    yield from schema_differences(connection)
    if deep:
        yield from _keys_astray(connection)
        yield from _damage(connection)


def schema_differences(connection: Connection) -> Iterator[str]:
    """Yield each thing that is missing, altered or not ours, as the catalogue has it."""
    ours, partitions = facts(connection)
    expected = expected_facts()
    general = {thing: fact for thing, fact in expected.items() if _ANY not in thing}
    yield from _compared(ours, general)
    template = {thing: fact for thing, fact in expected.items() if _ANY in thing}
    for name, found in sorted(partitions.items()):
        yield from (problem.replace(_ANY, name) for problem in _compared(found, template))


def expected_facts() -> Facts:
    """Return what is so of a schema as it is created."""
    lines = (files("ordertrail.adapters.sql.ddl") / "postgresql/facts.txt").read_text().splitlines()
    found: dict[str, frozenset[str]] = {}
    for line in lines:
        thing, _, fact = line.partition("\t")
        found[thing] = found.get(thing, frozenset()) | {fact}
    return found


def facts(connection: Connection) -> tuple[Facts, Mapping[str, Facts]]:
    """Return what is so of the schema, and apart from it what is so of each partition, under its general name."""
    query = (files("ordertrail.adapters.sql.ddl") / "postgresql/facts.sql").read_text()
    ours: dict[str, frozenset[str]] = {}
    partitions: dict[str, dict[str, frozenset[str]]] = {}
    for relation, thing, fact in connection.exec_driver_sql(query.replace("%", "%%")):
        month = _PARTITION.fullmatch(relation)
        if month is None:
            ours[thing] = ours.get(thing, frozenset()) | {fact}
        else:
            place, general = partitions.setdefault(relation, {}), thing.replace(relation, _ANY)
            bounds = _bounds(int(month[1]), int(month[2]))
            said = fact.replace(relation, _ANY).replace(bounds, "FOR VALUES of its month")
            place[general] = place.get(general, frozenset()) | {said}
    return ours, partitions


def _bounds(year: int, month: int) -> str:
    following = f"{year + month // 12:04}-{month % 12 + 1:02}-01"
    return f"FOR VALUES FROM ('{year:04}-{month:02}-01') TO ('{following}')"


def _compared(found: Facts, expected: Facts) -> Iterator[str]:
    for thing, fact in sorted(expected.items()):
        if thing not in found:
            yield f"the {thing} is missing from the database"
        elif found[thing] != fact:
            altered = "; ".join(sorted(found[thing] - fact)) or "something is missing from it"
            yield f"the {thing} is not as it was created: {altered}"
    for thing in sorted(found.keys() - expected.keys()):
        yield f"the {thing} is in the database and not one of ours: {'; '.join(sorted(found[thing]))}"


_ASTRAY = """
SELECT count(*) FROM entry FULL JOIN entry_key USING (stream, idx, month)
WHERE (entry.event_id, entry.number, entry.hash) IS DISTINCT FROM (entry_key.event_id, entry_key.number, entry_key.hash)
   OR entry.chain IS DISTINCT FROM entry_key.chain
"""


def _keys_astray(connection: Connection) -> Iterator[str]:
    """Compare the table of keys, which is an index over all months, with the entries."""
    count = connection.exec_driver_sql(_ASTRAY).scalar_one()
    if count:
        yield f"the table entry_key is not the index of the entries that it must be: {count:,} rows differ"


_CHECKER = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_function_privilege(
    to_regprocedure(quote_ident(n.nspname) || '.bt_index_check(regclass, boolean)'), 'EXECUTE')
  AND has_function_privilege(
    to_regprocedure(quote_ident(n.nspname) || '.verify_heapam(regclass, boolean, boolean, text, bigint, bigint)'),
    'EXECUTE')
"""
_STORED = """
SELECT c.relkind::text, c.oid::int8, c.relname FROM pg_class c WHERE c.relnamespace = 'ordertrail'::regnamespace
  AND (c.relkind = 'r' OR c.relkind = 'i') ORDER BY 1, 3
"""
_CHECKSUM_FAILURES = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"


def _damage(connection: Connection) -> Iterator[str]:
    """Let PostgreSQL check every page and every index entry, where its extension amcheck is there and allowed."""
    failures = connection.exec_driver_sql(_CHECKSUM_FAILURES).scalar()
    if failures:
        yield f"the database is damaged: {failures:,} pages were not what their checksums say"
    checker = connection.exec_driver_sql(_CHECKER).scalar()
    if checker is None:
        return
    for kind, number, name in connection.exec_driver_sql(_STORED).all():
        if kind == "r":
            query = f'SELECT blkno, msg FROM "{checker}".verify_heapam({number}::oid::regclass) LIMIT 5'  # noqa: S608 - names of the catalogue's
            for block, said in connection.exec_driver_sql(query):
                yield f"the table {name} is damaged in its block {block}: {said}"
        else:
            yield from _index_damage(connection, checker, number, name)


def _index_damage(connection: Connection, checker: str, number: int, name: str) -> Iterator[str]:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f'SELECT "{checker}".bt_index_check({number}::oid::regclass, true)')
    except exc.DBAPIError as error:
        driver = driver_error(error)
        if driver is None or (driver.sqlstate or "")[:2] not in {"XX", "22"}:
            raise
        yield f"the index {name} is damaged: {driver.diag.message_primary}"
