"""What a rule says beyond Sigma, under ``custom``: read strictly.

::

    custom:
      filter: 'lowered:unit_price>20%'        # terms of the grammar of filters, which must hold too
      outside-hours: {zone: Europe/Berlin, from: '07:00', until: '20:00', days: [mon, tue, wed, thu, fri]}
      first: {field: network, by: [actor], timespan: 30d, after: 5}
      alert-by: [actor, order]                # what tells one alert from another
      alert-every: 1d                         # how long one alert goes on collecting
      control: pricing                        # what is at risk
      rationale: Why anyone should care.
      playbook: [First do this., Then do that.]
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.rules.expression import Meant, Node
from ordertrail.monitor.rules.fields import field_named
from ordertrail.monitor.rules.hours import OutsideHours
from ordertrail.monitor.rules.lines import Document
from ordertrail.monitor.rules.rule import DAY, LONGEST_SPAN, Control
from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import parse_filter
from ordertrail.query.filters.terms import Has, Is, Term
from ordertrail.query.filters.terms import Not as NotTerm
from ordertrail.query.filters.when import When
from ordertrail.query.filters.worth import Worth

_SPAN = re.compile(r"([1-9]\d{0,8})([smhdwM])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_746}
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class First:
    """A value that none of the events of a group had in a span, of at least ``after`` events."""

    field: str
    by: tuple[str, ...]
    span: int
    after: int


@dataclass(frozen=True, slots=True)
class Custom:
    """What was said under ``custom``."""

    nodes: tuple[Node, ...] = ()
    first: First | None = None
    by: tuple[str, ...] | None = None
    every: int = DAY
    control: Control | None = None
    rationale: str = ""
    playbook: tuple[str, ...] = ()


def read_custom(document: Document, said: object, problems: list[Problem]) -> Custom:
    """Read it; what is wrong goes to ``problems``, each with its line."""
    if said is None:
        return Custom()
    if not isinstance(said, dict):
        problems.append(document.problem("is a mapping", "custom"))
        return Custom()
    told: dict[str, Any] = {}
    for name, value in said.items():
        read = _READERS.get(name)
        if read is None:
            known = ", ".join(_READERS)
            problems.append(document.problem(f"is not known; there are {known}", "custom", str(name)))
            continue
        try:
            told[name] = read(value)
        except ValueError as error:
            problems.append(document.problem(str(error), "custom", name))
        except InputError as error:
            problems += [document.problem(one.message, "custom", name) for one in error.problems]
    nodes = tuple(told[name] for name in ("filter", "outside-hours") if name in told)
    return Custom(
        nodes,
        told.get("first"),
        told.get("alert-by"),
        told.get("alert-every", DAY),
        told.get("control"),
        told.get("rationale", ""),
        told.get("playbook", ()),
    )


def read_filter(text: object) -> Meant:
    """Read a filter of a rule. Raises InputError or ValueError for what is none, or means something else tomorrow."""
    if not isinstance(text, str):
        raise ValueError("is a text: terms of the grammar of filters")  # noqa: TRY004 - a problem of the file
    filter_ = parse_filter(text, _ANY_TIME, ZoneInfo("UTC"))
    if not filter_.terms:
        raise ValueError("has no terms, and so means everything")
    for term in filter_.terms:
        _check_term(term)
    return Meant(filter_)


def _check_term(negated: Term) -> None:
    term = negated.term if isinstance(negated, NotTerm) else negated
    of_order = isinstance(term, Is | Has) and FIELDS[term.field].of_order
    if of_order or isinstance(term, Worth):
        raise ValueError(
            f"{term.text()} is of where the order stands now, which changes with what happens later; "
            "ask what the event changed (became:status=paid), or correlate with the event that did"
        )
    if isinstance(term, When):
        raise ValueError(f"{term.text()} is a time; a rule looks at events as they come")  # noqa: TRY004


def read_span(text: object) -> int:
    """Read ``15m`` as microseconds. Raises ValueError for what is no span, or a longer one than is watched."""
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{str(text)[:40]!r} is no time span; write 15m, 1h or 30d")
    span = int(found[1]) * _SECONDS[found[2]] * 1_000_000
    if span > LONGEST_SPAN:
        raise ValueError(f"{text} is longer than {LONGEST_SPAN // DAY} days: a window without a bound")
    return span


def single_field(name: object) -> str:
    """Return the name of a field that has one value at most. Raises ValueError for any other."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no name of a field")  # noqa: TRY004 - a problem of the file
    if field_named(name).one is None:
        raise ValueError(f"{name!r} may have several values, and tells no groups apart")
    return name


def _hours(said: object) -> OutsideHours:
    given = _mapping(said, {"zone", "from", "until"}, {"days"})
    zone = given["zone"]
    if zone not in available_timezones():
        raise ValueError(f"{zone!r} is no time zone of the IANA database such as Europe/Berlin")
    begin, end = _minutes(given["from"]), _minutes(given["until"])
    if begin >= end:
        raise ValueError("ends before it begins")
    days = given.get("days", list(_DAYS[:5]))
    if not isinstance(days, list) or not days or any(day not in _DAYS for day in days):
        raise ValueError(f"days are some of {', '.join(_DAYS)}")
    return OutsideHours(zone, begin, end, tuple(sorted({_DAYS.index(day) for day in days})))


def _minutes(text: object) -> int:
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no time of day; write '07:30', in quotes")
    return 1_440 if found[1] is None else int(found[1]) * 60 + int(found[2])


def _first(said: object) -> First:
    given = _mapping(said, {"field", "by", "timespan"}, {"after"})
    after = given.get("after", 1)
    if not isinstance(after, int) or isinstance(after, bool) or after < 0:
        raise ValueError("after is how many events must have come before")
    return First(single_field(given["field"]), _fields(given["by"]), read_span(given["timespan"]), after)


def _fields(said: object) -> tuple[str, ...]:
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list) or not names or len(names) > 8:
        raise ValueError("is a list of one to eight fields")
    return tuple(single_field(name) for name in names)


def _control(said: object) -> Control:
    if said not in {one.value for one in Control}:
        raise ValueError(f"is one of {', '.join(Control)}")
    return Control(said)


def _text(said: object) -> str:
    if not isinstance(said, str) or not said.strip():
        raise ValueError("is a text")
    return " ".join(said.split())


def _texts(said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or not said:
        raise ValueError("is a list of texts")
    return tuple(_text(one) for one in said)


def _mapping(said: object, needed: set[str], others: set[str]) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise ValueError(f"is a mapping of {', '.join(sorted(needed | others))}")  # noqa: TRY004 - of the file
    unknown, missing = said.keys() - needed - others, needed - said.keys()
    if unknown or missing:
        wrong = [*(f"{name} is missing" for name in missing), *(f"{name} is not known" for name in unknown)]
        raise ValueError("; ".join(sorted(map(str, wrong))))
    return said


_READERS: Mapping[str, Callable[[object], Any]] = {
    "filter": read_filter,
    "outside-hours": _hours,
    "first": _first,
    "alert-by": _fields,
    "alert-every": read_span,
    "control": _control,
    "rationale": _text,
    "playbook": _texts,
}
