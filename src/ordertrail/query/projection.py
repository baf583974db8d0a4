"""What the index keeps of an event: everything that filters ask about, in the form in which they ask it.

Filters are told to a database (over ``tables``) and to Python (over :class:`Indexed`); both see the same values,
because both see these. The index can be dropped and made again from the log at any time; it is no evidence.

Numbers are whole: money is in minor units, with its currency as the unit; any other number is in millionths, with an
empty unit. Ratios are in hundredths of a per cent, rounded away from zero, so that ``more than 20 %`` is exact.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from msgspec import UNSET

from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.money import EXPONENTS, Money, format_money
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Change, Context, Event
from ordertrail.record.sentence import sentence

MICRO = 1_000_000
LARGEST = (1 << 63) - 1
"""The largest number that a database's integer holds."""

LONGEST = 512
"""Characters that are kept of a text that is asked for exactly; of searched texts and values all are."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NUMBER = 30
_CANONICAL_LENGTH = len("2026-11-22T14:02:10.120000Z")
_Text = TypeVar("_Text", str, str | None)


@dataclass(frozen=True, slots=True)
class IndexedChange:
    """One field before and after. Texts are as a person writes them; numbers are None where it is none."""

    path: str
    field: str
    before: str | None = None
    after: str | None = None
    unit: str | None = None
    before_number: int | None = None
    after_number: int | None = None
    delta: int | None = None
    """After minus before, where both are numbers of one unit."""
    ratio: int | None = None
    """The same in hundredths of a per cent of what was before, where that is not 0."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One of several values of a kind: ``role``, ``tag``, ``cause``, ``link`` (an id elsewhere), ``system`` (whose)."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """Where an order stands by all its events; :mod:`~ordertrail.query.standing` says how. Times as of events.

    ``status`` and ``amount`` (minor units of ``currency``) are None where no event told them; ``stated`` and ``valued``
    are when the events that told them were recorded, ``changed`` when the last success with changes happened.
    """

    order: str
    tenant: str
    """Empty where it has none."""
    status: str | None
    amount: int | None
    currency: str | None
    stated: int
    valued: int
    changed: int | None
    first: int
    last: int
    events: int
    attempts: int
    sensitive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """An event as the index has it. Times are microseconds since 1970; ``position`` is its index in its log."""

    stream: str
    position: int
    id: str
    time: int
    recorded: int
    action: str
    outcome: str
    actor: str
    actor_kind: str
    subject_kind: str
    subject: str
    sensitive: bool
    search: str
    order: str | None = None
    number: int | None = None
    """Its place in its order's chain."""
    tenant: str | None = None
    behalf: str | None = None
    session: str | None = None
    ip: str | None = None
    request: str | None = None
    trace: str | None = None
    channel: str | None = None
    source: str | None = None
    ticket: str | None = None
    changes: tuple[IndexedChange, ...] = ()
    marks: tuple[Mark, ...] = ()
    standing: OrderStanding | None = None
    """Where its order stands now, where whoever made this knows it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the log: what the ledger added to it. ``number`` is its place in its order's chain."""

    stream: str
    position: int
    recorded: str
    number: int | None = None


def project(event: Event, place: Place, actions: Mapping[str, Action] = CATALOGUE) -> Indexed:
    """Return what the index keeps of a sealed event."""
    context = event.context or Context()
    action = actions.get(event.action)
    return Indexed(
        stream=place.stream,
        position=place.position,
        id=event.id,
        time=microseconds(event.time),
        recorded=microseconds(place.recorded),
        action=event.action,
        outcome=event.outcome,
        actor=event.actor.id,
        actor_kind=event.actor.kind,
        subject_kind=event.subject.kind,
        subject=event.subject.id,
        sensitive=action is not None and action.sensitive,
        search=fold("\n".join(_searched(event, actions))),
        order=event.subject.order,
        number=place.number,
        tenant=event.subject.tenant,
        behalf=event.actor.on_behalf_of,
        session=event.actor.session,
        ip=_storable(context.ip) if isinstance(context.ip, str) else None,
        request=_short(context.request),
        trace=_short(context.trace),
        channel=_short(context.channel),
        source=_short(context.source),
        ticket=_short(context.ticket),
        changes=tuple(map(_change, event.changes)),
        marks=tuple(sorted(set(_marks(event, context)))),
    )


def microseconds(time: str) -> int:
    """Return microseconds since 1970."""
    if len(time) == _CANONICAL_LENGTH and time.endswith("Z"):
        clock = int(time[11:13]) * 3_600 + int(time[14:16]) * 60 + int(time[17:19])
        return (_midnight(time[:10]) + clock) * MICRO + int(time[20:26])
    return moment_microseconds(parse_time(time))


@lru_cache(maxsize=4_096)
def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def moment_microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * MICRO + since.microseconds


def fold(text: str) -> str:
    """Return a text as it is searched: without differences of case, and of spelling that Unicode has for one thing."""
    text = _storable(text)
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _storable(text: _Text) -> _Text:
    """Return a text as a database holds it: PostgreSQL has no NUL, so that something visible stands for one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if text is not None and "\0" in text else text


def _short(text: _Text) -> _Text:
    """Return a text that an index of a database takes: no more of it than an id may have."""
    return _storable(text if text is None or len(text) <= LONGEST else text[:LONGEST])


def _searched(event: Event, actions: Mapping[str, Action]) -> Iterator[str]:
    """Yield what words are looked for in: the sentence, and the ids that it leaves out."""
    yield sentence(event, actions)
    yield event.id
    context = event.context or Context()
    for text in (event.subject.order, context.ticket, context.request, context.channel):
        if text is not None:
            yield text
    for link in event.links:
        yield link.id


def _marks(event: Event, context: Context) -> Iterator[Mark]:
    for role in event.actor.roles:
        yield Mark("role", _short(role))
    for tag in context.tags:
        yield Mark("tag", _short(tag))
    for link in event.links:
        yield Mark("link", _short(link.id))
        yield Mark("system", _short(link.system))
    if event.cause is not None:
        yield Mark("cause", _short(event.cause.id))


def _change(change: Change) -> IndexedChange:
    before, before_unit = _number(change.before)
    after, after_unit = _number(change.after)
    delta = ratio = None
    if before is not None and after is not None and before_unit == after_unit:
        delta = after - before
        if before:
            part, rest = divmod(abs(delta) * 10_000, abs(before))
            ratio = (part + (rest > 0)) * (1 if delta > 0 else -1)
    path = _short(change.path)
    return IndexedChange(
        path,
        field_of(path),
        _text(change.before),
        _text(change.after),
        after_unit if after_unit is not None else before_unit,
        before,
        after,
        _held(delta),
        _held(ratio),
    )


def field_of(path: str) -> str:
    """Return the name of the field at a place (RFC 6901)."""
    return path.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")


def _held(number: int | None) -> int | None:
    return number if number is not None and abs(number) <= LARGEST else None


def _number(value: Any) -> tuple[int | None, str | None]:
    """Return a value as a whole number and its unit; None for what is no number, or too large a one."""
    match value:
        case bool():
            return None, None
        case int():
            return (value * MICRO, "") if abs(value) <= LARGEST // MICRO else (None, None)
        case {"amount": int(amount), "currency": str(currency)} if currency in EXPONENTS:
            return amount, currency
        case str() if value and len(value) <= _LONGEST_NUMBER and value[-1].isdecimal() and value.isascii():
            try:
                number = Decimal(value)
            except InvalidOperation:
                return None, None
            # "NaN1" is read as one, and "9e999999" has a million digits, were it written out.
            if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
                return None, None
            scaled = number.scaleb(6)
            whole = int(scaled)
            return (whole, "") if whole == scaled and abs(whole) <= LARGEST else (None, None)
        case _:
            return None, None


def _text(value: Any) -> str | None:
    """Return a value as a person writes it; None for what is absent, sealed, or made of parts."""
    match value:
        case str():
            return _storable(value)
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case None:
            return "nothing"
        case {"amount": int(amount), "currency": str(currency)} if currency in EXPONENTS:
            return format_money(Money(amount, currency))
        case _ if value is UNSET:
            return None
        case _:
            return None
