"""The operator's page: the sources' health, and what has not entered, as plain HTML. Pure.

It runs nothing and loads nothing: one style sheet within it, which the content security policy names by its hash. It
shows places, causes and counts, and no value of any order: who may look after intake need not know who ordered what.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from ordertrail.intake.advice import advice_on
from ordertrail.intake.events import message_id
from ordertrail.intake.health import Health, Standing
from ordertrail.intake.impact import Impact
from ordertrail.kernel.numbers import count

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #c9ced6; --soft: #f3f5f8; --quiet: #59626e;
  --bad: #b42318; --slow: #8a5a00; --good: #176b3a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b; --line: #3a414b; --soft: #1d2127;
  --quiet: #a3adba; --bad: #ff9b8f; --slow: #f2c265; --good: #7fd6a0; } }
body { margin: 2rem auto; max-width: 78rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } .wide:focus { outline: 2px solid var(--quiet); }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--quiet); padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { background: var(--soft); white-space: nowrap; } .number { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.failing { color: var(--bad); font-weight: 600; } .quiet { color: var(--slow); } .live { color: var(--good); }
"""

_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The content security policy that the page is served with."""

_LONGEST: Final = 160
"""Characters of a cause that are shown: a place is named by its source."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows. ``letters`` are the most harmful, of ``causes`` all: source, cause, how many."""

    time: str
    sources: Sequence[Health]
    causes: Sequence[tuple[str, str, int]]
    letters: Sequence[Impact]


def page_of(overview: Overview) -> str:
    """Return the page as an HTML document."""
    failing = sum(one.standing is Standing.FAILING for one in overview.sources)
    waiting = sum(number for _, _, number in overview.causes)
    summary = (
        f"{count(failing, 'source')} failing; {count(waiting, 'letter')} to look at. As of {overview.time}."
    )
    worst = _worst(overview.letters)
    causes = sorted(overview.causes, key=lambda one: (-worst.get(one[:2], 0), -one[2], one))
    parts = (
        _table("Sources", "The failing ones first.", _SOURCES, map(_source_row, overview.sources)),
        _table("Causes", _CAUSED, _CAUSES, (_cause_row(one, worst.get(one[:2])) for one in causes)),
        _table("Letters", "The most harmful first.", _LETTERS, map(_letter_row, overview.letters)),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Intake</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>Intake</h1>\n<p>{escape(summary)}</p>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


_CAUSED: Final = (
    "By the highest impact of a letter, then by how many share it; one fix brings all of a cause back."
)
_SOURCES: Final = (
    "Source",
    "Standing",
    "Why",
    "#Waiting",
    "#Oldest, s",
    "#Last hour",
    "#Refused",
    "#Letters",
    "#Parked",
)
_CAUSES: Final = ("Source", "Cause", "#Letters", "#Highest impact", "What to do")
_LETTERS: Final = ("#Impact", "Message", "State", "Source", "Cause", "Received")
"""Headings; those that begin with # are of numbers."""


def _table(title: str, caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a section with a table, or with a sentence where there is nothing to show. Cells are escaped already."""
    cells = list(rows)
    name = title.lower()
    if not cells:
        return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n<p>None.</p>\n</section>\n'
    numeric = [one.startswith("#") for one in headings]
    head = "".join(
        f'<th scope="col"{_number(one)}>{text.removeprefix("#")}</th>'
        for text, one in zip(headings, numeric, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, numeric)}</tr>\n" for row in cells)
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n'
        f'<div class="wide" role="region" aria-labelledby="{name}" tabindex="0">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        "</table>\n</div>\n</section>\n"
    )


def _cells(row: Sequence[str], numeric: Sequence[bool]) -> str:
    first = f'<th scope="row"{_number(numeric[0])}>{row[0]}</th>'
    others = zip(row[1:], numeric[1:], strict=True)
    return first + "".join(f"<td{_number(one)}>{cell}</td>" for cell, one in others)


def _number(is_one: bool) -> str:  # noqa: FBT001 - a column's own flag
    return ' class="number"' if is_one else ""


def _source_row(one: Health) -> tuple[str, ...]:
    figures = one.figures
    numbers = (
        figures.backlog,
        one.lag_seconds,
        figures.hour,
        figures.refused,
        figures.open_letters,
        figures.parked,
    )
    standing = f'<span class="{one.standing}">{one.standing}</span>'
    return (escape(one.source), standing, escape(one.reason), *(f"{number:,}" for number in numbers))


def _cause_row(cause: tuple[str, str, int], worst: int | None) -> tuple[str, ...]:
    source, name, number = cause
    impact = "–" if worst is None else str(worst)  # noqa: RUF001 - a dash where none of it is among the letters
    return escape(source), _cut(name), f"{number:,}", impact, escape(advice_on(name))


def _letter_row(one: Impact) -> tuple[str, ...]:
    letter = one.letter
    name = escape(message_id(letter.delivery, letter.number))
    return (
        str(one.score),
        name,
        escape(letter.state),
        escape(letter.source),
        _cut(letter.cause),
        letter.received[:19],
    )


def _cut(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _worst(letters: Iterable[Impact]) -> dict[tuple[str, str], int]:
    """Return the highest impact of each source and cause."""
    found: dict[tuple[str, str], int] = {}
    for one in letters:
        key = (one.letter.source, one.letter.cause)
        found[key] = max(found.get(key, 0), one.score)
    return found
