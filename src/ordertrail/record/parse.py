"""The strict parser: one JSON object in, one event out, or every problem with its path.

What it refuses, beyond what is not JSON: unknown, missing and duplicate fields; floats and integers
beyond 2**53 - 1; unknown actions and currencies; naive times; ids with control characters; money
whose exponent is not its currency's; anything too long to be an entry.

Two paths give one answer. The fast one (some 4 µs) lets msgspec decode into the event's types and then
checks the meaning; only if it is not certain that all is well does the slow one read the text again,
member by member, to find duplicates and to name every problem. A property test holds the two equal.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET, UnsetType

from ordertrail.kernel.clock import canonical_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.ids import new_id, parse_id
from ordertrail.record.actions import CATALOGUE, Action, Catalogue
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event, Outcome
from ordertrail.record.shape import shape_problems
from ordertrail.record.values import MAX_IDENTIFIER, identifier_problem, is_plainly_fine, value_problems

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is looked at at all; larger payloads are documents, not events."""

_POINTER = re.compile(r"(/([^~/]|~[01])*)+")


class _Arrival(Event, frozen=True, kw_only=True):
    """An event as it arrives: id and outcome may be missing, and that they are missing is known."""

    id: str | UnsetType = UNSET  # type: ignore[assignment]
    outcome: Outcome | UnsetType = UNSET  # type: ignore[assignment]


_MISSING: Any = UNSET
_decode = msgspec.json.Decoder(_Arrival).decode


def parse_event(line: bytes, actions: Mapping[str, Action] = CATALOGUE) -> Event:
    """Read one event from a JSON object.

    A missing id is made and a missing outcome is ``success``; a time of any offset is rewritten to UTC.
    Raises InputError with every problem found.
    """
    event, _ = read_event(line, actions)
    return _complete(event, event.time) if isinstance(event, _Arrival) else event


def read_event(line: bytes, actions: Mapping[str, Action] = CATALOGUE) -> tuple[Event, bytes]:
    """Read one event; return it with its canonical bytes. As :func:`parse_event` otherwise.

    Where nothing had to be completed the event is handed on as it arrived, which is the fastest.
    """
    if len(line) > MAX_LINE:
        raise InputError(f"{len(line):,} bytes long; the longest line taken is {MAX_LINE:,} bytes")
    try:
        arrival = _decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        _refuse(line, actions)
    body = encode(arrival)
    if b"\\" in line or line.count(b'"') != body.count(b'"'):
        # A name given twice, an empty list written out, an escape: only a slower look can tell.
        shape_problems_of(line, raise_any=True)
    problems = list(meaning_problems(arrival, actions))
    if problems:
        raise InputError(problems)
    time = canonical_time(arrival.time)
    if time == arrival.time and arrival.id is not _MISSING and arrival.outcome is not _MISSING:
        return arrival, body
    event = _complete(arrival, time)
    return event, encode(event)


def _complete(arrival: _Arrival, time: str) -> Event:
    return Event(
        id=new_id() if arrival.id is UNSET else arrival.id,
        time=time,
        action=arrival.action,
        actor=arrival.actor,
        subject=arrival.subject,
        outcome="success" if isinstance(arrival.outcome, UnsetType) else arrival.outcome,
        changes=arrival.changes,
        context=arrival.context,
        cause=arrival.cause,
        links=arrival.links,
        origin=arrival.origin,
    )


def meaning_problems(event: Event, actions: Mapping[str, Action] = CATALOGUE) -> Iterator[Problem]:
    """Yield what is wrong with a well-shaped event's meaning."""
    if event.id is not _MISSING:
        try:
            parse_id(event.id)
        except ValueError as error:
            yield Problem("id", str(error))
    try:
        canonical_time(event.time)
    except ValueError as error:
        yield Problem("time", f"{event.time!r} {error}")
    if event.action not in actions:
        known = actions if isinstance(actions, Catalogue) else CATALOGUE
        yield Problem("action", known.suggest(event.action))
    subject, actor = event.subject, event.actor
    for path, text in (
        ("actor.id", actor.id),
        ("actor.on_behalf_of", actor.on_behalf_of),
        ("actor.session", actor.session),
        ("subject.kind", subject.kind),
        ("subject.id", subject.id),
        ("subject.order", subject.order),
        ("subject.tenant", subject.tenant),
    ):
        if text is not None and not (text.isprintable() and 0 < len(text) <= MAX_IDENTIFIER):
            wrong = identifier_problem(text)
            if wrong is not None:
                yield Problem(path, wrong)
    for number, change in enumerate(event.changes):
        yield from _change_problems(f"changes.{number}", change.path, change.before, change.after)
    if event.origin is not None and event.origin.counter < 0:
        yield Problem("origin.counter", "counts from 0 upwards")


def _change_problems(place: str, path: str, before: Any, after: Any) -> Iterator[Problem]:
    if not _POINTER.fullmatch(path):
        yield Problem(
            f"{place}.path", f"{path!r} is not a JSON pointer such as /lines/2/unit_price (RFC 6901)"
        )
    if before is UNSET and after is UNSET:
        yield Problem(place, "has neither before nor after, so nothing changed")
    if before is not UNSET and not is_plainly_fine(before):
        yield from value_problems(before, f"{place}.before")
    if after is not UNSET and not is_plainly_fine(after):
        yield from value_problems(after, f"{place}.after")


def _refuse(line: bytes, actions: Mapping[str, Action]) -> NoReturn:
    """Raise InputError for a line that the fast path could not read, with every problem it has."""
    data, problems = shape_problems_of(line)
    if not problems:
        # The shape is right, so what msgspec disliked is in the meaning; nothing is accepted on this path.
        problems = [Problem("", "is not an event")]
    partial = _readable(data)
    if partial is not None:
        problems += [p for p in meaning_problems(partial, actions) if not _covered(p, problems)]
    raise InputError(sorted(problems))


def _covered(problem: Problem, problems: list[Problem]) -> bool:
    return any(problem.path == other.path or problem.path.startswith(other.path + ".") for other in problems)


_PLACEHOLDER = {
    "time": "2000-01-01T00:00:00.000000Z",
    "action": "order.read",
    "actor": {"id": "unknown", "kind": "system"},
    "subject": {"kind": "unknown", "id": "unknown"},
}


def _readable(data: Any) -> _Arrival | None:
    """Return what can be understood of a misshapen event, so that its other problems are named too."""
    if not isinstance(data, dict):
        return None
    understood: dict[str, Any] = dict(_PLACEHOLDER)
    for name in _Arrival.__struct_fields__:
        if name in data:
            candidate = understood | {name: data[name]}
            try:
                msgspec.convert(candidate, _Arrival)
            except (msgspec.ValidationError, RecursionError):
                continue
            understood = candidate
    return msgspec.convert(understood, _Arrival)


def shape_problems_of(line: bytes, *, raise_any: bool = False) -> tuple[Any, list[Problem]]:
    """Read a line member by member; return its value and every problem of its shape."""
    problems: list[Problem] = []
    data: Any = None
    try:
        tree = json.loads(line.decode(), object_pairs_hook=Members, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        problems.append(Problem("", f"is not UTF-8: byte {error.start} is 0x{line[error.start]:02x}"))
    except json.JSONDecodeError as error:
        problems.append(Problem("", f"is not JSON: {error.msg} at character {error.pos}"))
    except RecursionError:
        problems.append(Problem("", "is nested too deeply"))
    except ValueError as error:
        problems.append(Problem("", f"is not JSON: {error}"))
    else:
        data = _plain(tree, "", problems)
        problems += shape_problems(data, _Arrival)
    if raise_any and problems:
        raise InputError(sorted(problems))
    return data, problems


class Members(list[tuple[str, Any]]):
    """An object's members in the order they were written, duplicates and all."""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _plain(tree: Any, path: str, problems: list[Problem]) -> Any:
    prefix = f"{path}." if path else ""
    if isinstance(tree, Members):
        plain: dict[str, Any] = {}
        for name, member in tree:
            if name in plain:
                problems.append(
                    Problem(f"{prefix}{name}", "is given twice; readers would disagree which one counts")
                )
            if _has_lone_surrogate(name):
                problems.append(Problem(path, "has a name with a lone surrogate, which is not Unicode text"))
            plain[name] = _plain(member, f"{prefix}{name}", problems)
        return plain
    if isinstance(tree, list):
        return [_plain(item, f"{prefix}{number}", problems) for number, item in enumerate(tree)]
    if isinstance(tree, float):
        problems.append(Problem(path, "is a float; send integers (money in minor units) or text"))
    elif isinstance(tree, str) and _has_lone_surrogate(tree):
        problems.append(Problem(path, "holds a lone surrogate, which is not Unicode text"))
    return tree


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
