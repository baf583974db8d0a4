"""One table of a TOML file, read strictly: each key is asked for once, the rest is reported.

Problems are collected, not raised, so that a person sees all of them at once. A problem's path is
dotted from the file's top, with keys quoted as TOML would quote them. Example::

    problems = []
    section = Section({"field": 5, "zoen": "UTC"}, "time", problems)
    section.text("field", required=True)   # returns "", reports  time.field: must be text
    section.text("zone")                   # returns ""
    section.finish()                       # reports  time.zoen: is not known here; did you mean 'zone'?
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from ordertrail.kernel.errors import Problem

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Section:
    """A table under its path. What is wrong with it goes into the shared list of problems."""

    def __init__(
        self,
        table: dict[str, Any],
        path: str,
        problems: list[Problem],
        parent: "Section | None" = None,
        name: str = "",
    ) -> None:
        self.path = path
        self.name = name
        self._parent = parent
        self._table = table
        self.problems = problems
        self._asked: dict[str, None] = {}

    @property
    def parent(self) -> "Section":
        """The table that holds this one; the top holds itself."""
        return self._parent or self

    def at(self, key: str) -> str:
        """Return the dotted path of a key."""
        if not key:
            return self.path
        quoted = key if _BARE.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{self.path}.{quoted}" if self.path else quoted

    def report(self, key: str, message: str) -> None:
        """Add a problem with a key, or with the table as a whole where the key is empty."""
        self.problems.append(Problem(self.at(key), message))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys that are there and have not been asked for."""
        return iter([key for key in self._table if key not in self._asked])

    def has(self, key: str) -> bool:
        """Say whether a key is there, without asking for it."""
        return key in self._table

    def raw(self, key: str) -> Any:
        """Return a key's value as TOML has it; None where it is absent."""
        self._asked[key] = None
        return self._table.get(key)

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        """Return a text that is not empty; the default where it is absent or wrong."""
        value = self.raw(key)
        if value is None:
            if required:
                self.report(key, "is missing")
            return default
        if isinstance(value, str) and value:
            return value
        self.report(key, "must not be empty" if value == "" else "must be text")
        return default

    def choice(
        self, key: str, choices: tuple[str, ...], *, required: bool = False, default: Any = None
    ) -> Any:
        """Return one of the choices; the default where it is absent or wrong."""
        value = self.text(key, required=required)
        if not value or value in choices:
            return value or default
        shown = ", ".join(choices) if len(choices) <= 10 else f"one of {len(choices)} known values"
        self.report(key, f"is {value!r}; must be {shown}")
        return default

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts. One text stands for a list of one."""
        value = self.raw(key)
        if isinstance(value, str):
            value = [value]
        if value is None:
            if required:
                self.report(key, "is missing")
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.report(key, "must be a list of texts that are not empty")
            return ()
        return tuple(value)

    def flag(self, key: str) -> bool:
        """Return a boolean; False where it is absent or wrong."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.report(key, "must be true or false")
        return value is True

    def number(self, key: str, *, required: bool = False) -> int | None:
        """Return a whole number; None where it is absent or wrong."""
        value = self.raw(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if value is not None or required:
            self.report(key, "is missing" if value is None else "must be a whole number")
        return None

    def section(self, key: str, *, shorthand: str | None = None) -> "Section":
        """Return the table under a key, empty where it is absent. A text is its ``shorthand`` key alone."""
        value = self.raw(key)
        if isinstance(value, str) and shorthand is not None:
            value = {shorthand: value}
        if value is not None and not isinstance(value, dict):
            self.report(key, "must be a table" if shorthand is None else "must be text or a table")
            value = None
        return Section(value or {}, self.at(key), self.problems, self, key)

    def sections(self, key: str) -> list["Section"]:
        """Return the tables of an array of tables."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.report(key, "must be an array of tables")
            return []
        return [
            Section(item, f"{self.at(key)}.{at}", self.problems, self, key) for at, item in enumerate(value)
        ]

    def finish(self) -> None:
        """Report every key that nobody asked for."""
        for key in self:
            near = difflib.get_close_matches(key, self._asked, n=1)
            self.report(key, "is not known here" + (f"; did you mean {near[0]!r}?" if near else ""))
