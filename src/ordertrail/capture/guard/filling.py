"""SQL in files, with places like ``@schema@`` to be filled."""

import re
from functools import cache
from importlib.resources import files


@cache
def read_sql(dialect: str, name: str) -> str:
    """Return a file of this package's SQL."""
    return (files(__package__) / dialect / f"{name}.sql").read_text()


def filled(text: str, values: dict[str, str]) -> str:
    """Put SQL into its places. Raises KeyError for a place that has no value."""
    return re.sub(r"@([a-z_]+)@", lambda place: values[place[1]], text)


def literal(text: str) -> str:
    """Return a text as an SQL literal; PostgreSQL's standard_conforming_strings, its default, is assumed."""
    return "'" + text.replace("'", "''") + "'"
