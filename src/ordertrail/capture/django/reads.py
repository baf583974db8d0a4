"""Which rows a query read, where reads are recorded: told by its result, which the application gets whole."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from ordertrail.capture.django.cursors import Kept
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.sql.scan import Token, scan

_COMPOUND = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_ENDS = frozenset({"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "FETCH", "WINDOW"})


def rows_read(
    sql: str, cursor: Any, plans: Sequence[TablePlan]
) -> Iterator[tuple[TablePlan, list[Image] | None]]:
    """Yield the keys of the rows of each table that a query returned; None where its columns do not tell.

    ``cursor`` is Django's, just executed. Its rows are buffered for this, but for a server-side cursor's, of which
    nobody can tell what the application will read.
    """
    driver = cursor.cursor
    if driver.description is None:
        return
    names = tuple(one[0] for one in driver.description)
    placed = [(plan, _places(sql, names, plan)) for plan in plans]
    streamed = getattr(driver, "name", None) is not None
    rows: list[Any] = []
    if not streamed and any(places is not None for _, places in placed):
        rows = [tuple(row) for row in driver.fetchall()]
        cursor.cursor = Kept(driver, rows, len(driver.description))
    for plan, places in placed:
        if places is None or streamed:
            yield plan, None
        else:
            keys = [tuple(row[place] for place in places) for row in rows]
            yield plan, [key for key in keys if None not in key]


def _places(sql: str, names: tuple[str, ...], plan: TablePlan) -> list[int] | None:
    """Return where in a result the columns of a table's key stand."""
    wanted = [plan.columns[place].name for place in plan.key]
    listed, tables = _selected(sql)
    if len(listed) == len(names):
        found = {
            column: place for place, (table, column) in enumerate(listed) if table == plan.table.name.name
        }
        if set(wanted) <= found.keys():
            return [found[name] for name in wanted]
    if tables == (plan.table.name.name,) and set(wanted) <= set(names):
        return [names.index(name) for name in wanted]
    return None


@lru_cache(maxsize=1_000)
def _selected(sql: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return a query's columns as (table, name), each empty where it is not told, and the tables it is from.

    Of a query that is made of several, and of one from anything but tables, nothing is told.
    """
    tokens = [token for token in scan(sql) if token.depth == 0]
    words = [token.word for token in tokens]
    if not words or words[0] != "SELECT" or _COMPOUND & set(words) or "FROM" not in words:
        return (), ()
    start = 2 if words[1] == "DISTINCT" else 1
    end = words.index("FROM")
    listed = tuple(map(_column, _parts(tokens[start:end])))
    after = tokens[end + 1 :]
    until = next((place for place, token in enumerate(after) if token.word in _ENDS), len(after))
    alone = not any(token.word in {",", "JOIN", "(", "."} for token in after[:until])
    return listed, (_identifier(after[0]),) if alone and after else ()


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.word == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _column(part: list[Token]) -> tuple[str, str]:
    """Read ``"table"."column"``, with another name after it or without."""
    plain = len(part) == 3 or (len(part) == 5 and part[3].word == "AS")
    if plain and part[1].word == ".":
        return _identifier(part[0]), _identifier(part[2])
    return "", ""


def _identifier(token: Token) -> str:
    return token.word[1:-1].replace('""', '"') if token.sort == "name" else token.word.lower()
