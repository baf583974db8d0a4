"""What is kept of a person, told to the person: GDPR Art. 15, as a page that anybody can read and print, and as JSON.

Article 15(1) says what a report tells: the purposes, the categories of data, to whom it was disclosed, for how long it
is kept, where it came from, and the person's rights; 15(3) has a copy given. Whoever opened a value is told by kind and
role, not by name: a copy must not take from the rights of others (15(4)).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final

from ordertrail.record.actions import CATALOGUE

_RIGHTS: Final = (
    "You may have wrong data set right (Art. 16), have data erased where no duty keeps it (Art. 17), have its use "
    "restricted (Art. 18), receive what you gave us in a form that machines read (Art. 20), object (Art. 21), and "
    "lodge a complaint with a supervisory authority (Art. 77)."
)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}th,td{text-align:left;vertical-align:top;"
    "padding:.35rem .6rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}caption{text-align:left;color:#555}"
    "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}.soft{color:#555}@media print{body{margin:0}}"
)


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """A value of a person, opened: where it stands, where it came from, why and until when it is kept."""

    event: str
    time: str
    action: str
    order: str | None
    path: str
    value: Any
    source: str
    purpose: str
    term: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody had values of the person opened: when, who by kind and role, and why."""

    time: str
    kind: str
    roles: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccessReport:
    """All that is kept of a person, at a time, and for whom it was made."""

    person: str
    made: str
    by: str
    reason: str
    values: tuple[PersonalValue, ...]
    opened: tuple[Opened, ...]


def format_json(report: AccessReport) -> str:
    """Return a report as JSON (Art. 20: structured, commonly used and machine-readable)."""
    return json.dumps(asdict(report), indent=1, ensure_ascii=False, default=str) + "\n"


def format_html(report: AccessReport) -> str:
    """Return a report as one page of HTML that needs nothing beside it: no script, no font, no picture."""
    return "".join(_page(report))


def _page(report: AccessReport) -> Iterator[str]:
    yield '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    yield f"<title>Data kept of {escape(report.person)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>What is kept of you</h1><p>You are known here as <strong>{escape(report.person)}</strong>. "
    yield f"This report was made on {_when(report.made)} because of: {escape(report.reason)}. It has "
    yield f"{len(report.values):,} values of yours, each as it was recorded and in no event changed since.</p>"
    yield "<h2>What is known</h2>"
    yield _table(
        "Each value once, with the time at which it was recorded first.",
        ("What", "Value", "Recorded"),
        _known(report),
    )
    yield "<h2>Why, and for how long</h2>"
    yield _table(
        "A value is destroyed by schedule after this time, unless a court has it held.",
        ("Purpose", "Kept for", "Values", "The last until"),
        _terms(report),
    )
    yield "<h2>Where it came from</h2>"
    yield _table("Channels and systems that recorded it.", ("From", "Values"), _sources(report))
    yield "<h2>To whom it was disclosed</h2>"
    yield _table(
        "Each time that somebody had values of yours opened.",
        ("When", "Who", "Why"),
        [
            (_when(one.time), f"{one.kind}{f', {one.roles}' if one.roles else ''}", one.reason)
            for one in report.opened
        ]
        or [("never", "", "")],
    )
    yield "<h2>Every place</h2>"
    yield _table(
        "Each event that has a value of yours.",
        ("When", "What happened", "Order", "What", "Value", "Event"),
        [
            (_when(one.time), _did(one.action), one.order or "", _what(one.path), _text(one.value), one.event)
            for one in report.values
        ],
    )
    yield f"<h2>Your rights</h2><p>{_RIGHTS}</p>"
    yield '<p class="soft">All articles are of the GDPR, Regulation (EU) 2016/679.</p></body></html>\n'


def _known(report: AccessReport) -> list[tuple[str, ...]]:
    seen: dict[tuple[str, str], str] = {}
    for one in sorted(report.values, key=lambda value: value.time):
        seen.setdefault((one.path.partition(" (")[0], _text(one.value)), one.time)
    return [(_what(path), value, _when(time)) for (path, value), time in sorted(seen.items())]


def _terms(report: AccessReport) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[PersonalValue]] = {}
    for one in report.values:
        groups.setdefault((one.purpose or "a legal hold", one.term or "as long as the hold"), []).append(one)
    told: list[tuple[str, ...]] = []
    for (purpose, term), own in sorted(groups.items()):
        ends = [one.until for one in own]
        known = [end for end in ends if end is not None]
        last = (
            "until its order is closed, and then for the term" if len(known) < len(ends) else max(known)[:10]
        )
        told.append((purpose, term, f"{len(own):,}", last))
    return told


def _sources(report: AccessReport) -> list[tuple[str, ...]]:
    counts: dict[str, int] = {}
    for one in report.values:
        counts[one.source or "not told"] = counts.get(one.source or "not told", 0) + 1
    return [(source, f"{number:,}") for source, number in sorted(counts.items())]


def _table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _when(time: str) -> str:
    """Return a time to the second, as people read it."""
    return f"{time[:10]} {time[11:19]} UTC"


def _did(action: str) -> str:
    return CATALOGUE[action].phrase if action in CATALOGUE else action


def _what(path: str) -> str:
    """Return what a value is of, without the slashes of its pointer."""
    known = {"context/ip": "IP address", "context/user_agent": "browser"}
    return known.get(path, path.replace("/", " ").replace("_", " "))
