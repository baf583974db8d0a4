"""SQL text as tokens: enough to cut a statement into its clauses, and fast enough for ten thousand parameters.

Comments and white space are left out; strings, quoted names and dollar-quoted texts are one token each. ``depth``
counts open brackets, so that a clause's keyword is told from the same word inside a subquery.

Sources: PostgreSQL 15 section 4.1 (lexical structure), SQLite "SQL As Understood By SQLite".
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Sort = Literal["word", "name", "text", "slot", "number", "mark"]
"""A bare word, a quoted name, a string, a parameter, a number, an operator or a bracket."""

Slot = int | str
"""A parameter: its place among all, or its name."""

_TOKENS = re.compile(
    r"""
    (?P<skip>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<slot>%\((?P<pyname>[^)]*)\)[sb]|%[sbt]|\?\d*|(?<![\w$])\$(?P<dollar>\d+)|(?<![:\w])[:@](?P<colon>[A-Za-z_]\w*))
  | (?P<text>(?:\b[eE])'(?:[^'\\]|\\.|'')*'|(?:\b[bBxXnN])?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<name>"(?:[^"]|"")*"|`[^`]*`)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*)
  | (?P<mark>::|<=|>=|<>|!=|\|\||%%|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of SQL. ``word`` is it in capitals where it is a bare word, and as it is where it is not."""

    sort: Sort
    word: str
    start: int
    end: int
    depth: int
    slot: Slot | None = None


def scan(sql: str) -> list[Token]:
    """Return a statement's tokens."""
    return list(_scan(sql))


def _scan(sql: str) -> Iterator[Token]:
    depth = places = 0
    for found in _TOKENS.finditer(sql):
        sort = found.lastgroup
        if sort == "skip":
            continue
        if sort in _SLOTS:
            slot = _slot(found, places)
            places += slot == places
            yield Token("slot", found["slot"], found.start(), found.end(), depth, slot)
        elif sort in _SORTS:
            word = found[0].upper() if sort == "word" else found[0]
            yield Token(_SORTS[sort], word, found.start(), found.end(), depth)
        else:
            mark = found[0]
            depth -= mark in {")", "]"}
            yield Token("mark", mark, found.start(), found.end(), depth)
            depth += mark in {"(", "["}


_SLOTS = frozenset({"slot", "pyname", "dollar", "colon"})
_SORTS: dict[str | None, Sort] = {
    "text": "text", "tag": "text", "name": "name", "word": "word", "number": "number",
}  # fmt: skip


def _slot(found: re.Match[str], places: int) -> Slot:
    """Return which parameter a mark stands for: a named or numbered one, or the next one."""
    named = found["pyname"] or found["colon"]
    if named is not None:
        return named
    numbered = found["dollar"] or found["slot"][1:] if found["slot"][0] in "?$" else None
    return int(numbered) - 1 if numbered else places
