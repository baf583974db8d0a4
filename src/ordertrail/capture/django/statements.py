"""A statement of the application: its text and parameters, and what it does to the transaction it runs in.

Django runs SAVEPOINT, RELEASE and ROLLBACK TO as statements, and so may the application, BEGIN and COMMIT included.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

from ordertrail.capture.sql.scan import scan

Does = Literal["begin", "commit", "rollback", "savepoint", "release", "rollback_to", "prepare", "schema"]

PLACE = "ordertrail_"
"""Begins the names of parameters that the application gave by their places."""

_FIRST = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_WORDS: dict[str, Does] = {
    "BEGIN": "begin",
    "START": "begin",
    "COMMIT": "commit",
    "END": "commit",
    "ROLLBACK": "rollback",
    "ABORT": "rollback",
    "SAVEPOINT": "savepoint",
    "RELEASE": "release",
    "PREPARE": "prepare",
    "CREATE": "schema",
    "ALTER": "schema",
    "DROP": "schema",
}


class Control(NamedTuple):
    """What a statement does, and the savepoint it names."""

    does: Does
    name: str | None = None


def text_of(sql: Any, connection: Any) -> str:
    """Return a statement as text: drivers take bytes and composed SQL too."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    return str(sql.as_string(connection.connection)) if hasattr(sql, "as_string") else str(sql)


@lru_cache(maxsize=1_000)
def read_control(sql: str) -> Control | None:
    """Return what a statement does to its transaction or to tables; None for all others."""
    found = _FIRST.match(sql)
    does = _WORDS.get(found[1].upper()) if found else None
    if does is None or does == "schema":
        return Control(does) if does else None
    if ";" in sql.rstrip().rstrip(";"):
        return None  # several statements in one text are told by what they leave behind
    words = [token.word for token in scan(sql) if token.word != ";"]
    if does == "begin":
        return Control(does)
    rest = [word for word in words[1:] if word not in {"WORK", "TRANSACTION", "TO", "SAVEPOINT"}]
    name = _name(rest[-1]) if rest else None
    if does == "prepare":
        return Control("prepare") if words[1:2] == ["TRANSACTION"] else None
    if "PREPARED" in words:
        return None
    if does == "rollback":
        return Control("rollback_to", name) if "TO" in words else Control("rollback")
    return Control(does, name if does in {"savepoint", "release"} else None)


def _name(word: str) -> str:
    """Return a savepoint's name as it is compared: quoted ones as they are, others without regard to case."""
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()


class Statement:
    """A statement on its way to the driver, in the form in which capture reads it.

    In ``text`` a per cent sign is written twice, as drivers read texts that have parameters. An UPDATE on PostgreSQL
    has its parameters by name there, so that capture may write its condition a second time.
    """

    __slots__ = ("_context", "_execute", "_params", "_sql", "cursor", "many", "sets", "text")

    def __init__(
        self, execute: Callable[..., Any], sql: Any, text: str, params: Any, *, many: bool, context: Any
    ) -> None:
        self._execute, self._sql, self._context, self.many = execute, sql, context, many
        self.cursor = context["cursor"]
        self.text = text if many or params is not None else text.replace("%", "%%")
        self._params = list(params) if many else params
        self.sets: Sequence[Any] = self._params if many else [params if params is not None else ()]
        positional = not many and isinstance(params, list | tuple)
        if positional and context["connection"].vendor == "postgresql" and (named := _with_names(text)):
            self.text = named
            self.sets = [{f"{PLACE}{place}": value for place, value in enumerate(params)}]

    def singles(self) -> Iterator["Statement"]:
        """Yield an ``executemany`` as statements that run once, through all of Django's wrappers but the first."""
        cursor = self.cursor

        def execute(sql: Any, params: Any, many: Any, context: Any) -> Any:
            wrappers = context["connection"].execute_wrappers[1:]
            run = cursor._execute  # noqa: SLF001 - as CursorWrapper.execute does
            for wrapper in reversed(wrappers):
                run = partial(wrapper, run)
            return run(sql, params, many, context)

        for one in self.sets:
            yield Statement(execute, self._sql, self.text, one, many=False, context=self._context)

    def run(self, text: str = "") -> Any:
        """Run it as Django would; or another text of it, with the same parameters."""
        if text:
            return self._execute(text, self.sets if self.many else self.sets[0], self.many, self._context)
        return self._execute(self._sql, self._params, self.many, self._context)


_UPDATE = re.compile(r"\s*UPDATE\b", re.IGNORECASE)


@lru_cache(maxsize=1_000)
def _with_names(sql: str) -> str | None:
    """Return an UPDATE with its parameters by name: ``%(ordertrail_0)s``, ``%(ordertrail_1)s`` and so on."""
    if not _UPDATE.match(sql):
        return None
    pieces, at = [], 0
    for token in scan(sql):
        if token.slot is not None:
            pieces += [sql[at : token.start], f"%({PLACE}{token.slot})s"]
            at = token.end
    return "".join((*pieces, sql[at:]))
