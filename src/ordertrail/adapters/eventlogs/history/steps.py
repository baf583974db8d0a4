"""What every reader of a history yields: one step in the life of one object, and how two versions differ.

Worked example: of an order whose two last versions are ``{"id": 1, "total": "129"}`` and
``{"id": 1, "total": "99.5"}``, the second's step has ``word="update"``,
``sides={"total": Sides("129", "99.5")}`` and ``state={"id": 1, "total": "99.5"}``.

Values are as JSON has them, without floats: a REAL or a decimal of SQLite is the shortest decimal that
means it, as text; a boolean column is true or false; bytes are ``base64:`` and their text.
"""

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from ordertrail.adapters.eventlogs.events import SourceProblem
from ordertrail.adapters.eventlogs.history_rules import Word
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import Problem

Value = Any
"""Text, an integer, a boolean, None or a list of these; UNSET where a side is not known."""

_DECIMALS = ("DEC", "NUM", "REAL", "FLOA", "DOUB")


class Sides(msgspec.Struct, frozen=True):
    """A column before and after; a currency stands where the history has one beside the value."""

    before: Value = UNSET
    after: Value = UNSET
    currency_before: str | None = None
    currency_after: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a history.

    ``table`` is the object's table and ``key`` its key; ``source`` and ``row`` say where the row stands.
    ``state`` is what is known of the object once the step is done, ``sides`` what the step did to it.
    ``major`` orders steps of one time. ``problems`` is what the reader found wrong; ``original`` the row.
    """

    table: str
    key: str
    source: str
    row: str
    word: Word
    time: str | None
    state: dict[str, Value]
    sides: dict[str, Sides]
    major: int = 0
    user: str | None = None
    ip: str | None = None
    reason: str | None = None
    request: str | None = None
    channel: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    original: dict[str, Any] = {}

    @property
    def place(self) -> str:
        """Where the row stands, for a person."""
        return f"{self.source} {self.row}"

    def refused(self, problems: list[Problem]) -> SourceProblem:
        """Return the step as what cannot be translated, with the row as it was read."""
        return SourceProblem(self.place, tuple(dict.fromkeys(problems)), original_of(self.original))


def original_of(row: dict[str, Any]) -> bytes:
    """Return a row as JSON text; bytes that were not UTF-8 appear as escaped lone surrogates."""
    return json.dumps(row, ensure_ascii=True, default=repr).encode("ascii")


def fit(value: Any, declared: str = "") -> Value:
    """Return a value of SQLite as the trail can hold it; ``declared`` is the column's declared type."""
    match value:
        case float():
            return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
        case bytes():
            return "base64:" + b64encode(value).decode("ascii")
        case int():
            kind = declared.upper()
            if "BOOL" in kind and value in (0, 1):
                return bool(value)
            plain = abs(value) <= MAX_INTEGER and not any(name in kind for name in _DECIMALS)
            return value if plain else str(value)
        case _:
            return value


def text(value: Any) -> str | None:
    """Return a value of SQLite as text; empty text is nothing."""
    if type(value) is str or value is None:
        return value or None
    found = fit(value)
    return None if found is None else str(found)


def sides_between(before: dict[str, Value] | None, after: dict[str, Value] | None) -> dict[str, Sides]:
    """Return what differs between two versions; of a first or last one, everything that is not null."""
    if before is None:
        return {name: Sides(after=value) for name, value in (after or {}).items() if value is not None}
    if after is None:
        return {name: Sides(before=value) for name, value in before.items() if value is not None}
    return {
        name: Sides(before.get(name), after.get(name))
        for name in after | before
        if before.get(name) != after.get(name)
    }


class Chain:
    """The versions of one object after another, each held against the one before it.

    What cannot be is a problem of the version that shows it: one that is made though the object is there,
    or changed though it is gone. A first version that is no creation is the beginning of what the history
    knows (it was switched on later, or pruned): its step has no ``before`` and the tag ``history-begins``.
    """

    def __init__(self) -> None:
        self._key: tuple[Value, ...] | None = None
        self._state: dict[str, Value] = {}
        self._word: Word | None = None

    def begins(self, key: tuple[Value, ...]) -> bool:
        """Take the key of the next version; say whether it is another object's."""
        if key == self._key:
            return False
        self._key, self._state, self._word = key, {}, None
        return True

    @property
    def word(self) -> Word | None:
        """What the version before did; None before the first."""
        return self._word

    def add(
        self, word: Word, state: dict[str, Value]
    ) -> tuple[dict[str, Sides], tuple[str, ...], list[Problem]]:
        """Return how a version differs from the one before it, its tags and what is wrong with it."""
        earlier, done, problems = self._state, self._word, []
        if word == "create" and done not in (None, "delete"):
            problems.append(
                Problem("", "is created, and the version before it says that it was there already")
            )
        if word != "create" and done == "delete":
            problems.append(
                Problem("", f"is a step {word}, and the version before it says that it was deleted")
            )
        tags = ("history-begins",) if done is None and word != "create" else ()
        self._word = word
        if word == "delete":
            self._state = earlier | state
            return sides_between(self._state, None), tags, problems
        self._state = state
        if word == "create" or done is None:
            return sides_between(None, state), tags, problems
        return sides_between(earlier, state), tags, problems
