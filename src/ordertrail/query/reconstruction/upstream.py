"""What may have led to an event: each question asks the index once or twice, and returns what it found.

Nothing is walked without a bound, so that a story takes as long at a million events as at a thousand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.query.entries import SealedEvent
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Cursor, Hit, Searches, Way
from ordertrail.query.projection import MICRO
from ordertrail.query.reconstruction.bonds import Bond, Found

HOUR: Final = 3_600 * MICRO
DAY: Final = 24 * HOUR

LOOKED: Final = 40
"""Events that one question looks at."""

_RIGHTS: Final = (
    "access.role.change", "access.account.add", "access.account.change", "access.key.create", "access.glass.break"
)  # fmt: skip
_SWITCHES: Final = ("settings.change", "rule.change", "rule.approve")
_VALUES: Final = frozenset(
    {"unit_price", "list_price", "price", "amount", "grand_total", "total", "discount", "tax", "currency", "quantity",
     "ordered", "shipping", "ship_to", "address", "iban", "account", "terms", "limit"}
)  # fmt: skip
"""Fields of an order that money and parcels are made from."""
_USING: Final = ("payment.", "invoice.", "shipment.", "memo.", "order.confirm", "order.complete", "order.submit",
                 "reconcile.", "external.", "order.transmit")  # fmt: skip
"""Actions that use what an order says."""
_SKEW: Final = 5 * 60 * MICRO
"""How far ahead of its being recorded an event may say that it is, before its clock is looked at."""
_BEHIND: Final = 2 * HOUR
_SERIES: Final = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Upstream:
    """Asks what may have led to an event, among those that ``within`` means."""

    searches: Searches
    read: Callable[[Hit], SealedEvent]
    within: Filter

    def found(self, hit: Hit) -> Iterator[Found]:
        """Yield what may have led to an event, each at most once for each bond."""
        yield from self._cause(hit)
        sealed = self.read(hit)
        yield from self._named(hit, sealed)
        yield from self._wrote(hit, sealed)
        yield from self._used(hit)
        yield from self._again(hit)
        yield from self._clock(hit)
        yield from self._right(hit)
        yield from self._session(hit)
        yield from self._version(hit, sealed)
        yield from self._request(hit)

    def around(self, hit: Hit) -> Iterator[Found]:
        """Yield what changed how everything works in the day before, the nearest first."""
        for one in self._before(hit, Is("action", _SWITCHES, exact=True), limit=5):
            if hit.event.time - one.event.time <= DAY:
                hours = (hit.event.time - one.event.time) / HOUR
                yield Found(
                    one,
                    Bond.AROUND,
                    f"{one.event.subject_kind} {one.event.subject} was changed {hours:.1f} hours before",
                    weight=1.2 if hours < 1 else 1.0,
                )

    def _cause(self, hit: Hit) -> Iterator[Found]:
        cause = next((mark.value for mark in hit.event.marks if mark.kind == "cause"), None)
        if cause is None:
            return
        known = [one for one in self.searches.find([cause]) if self.within.matches(one.event)]
        for one in known:
            yield Found(one, Bond.CAUSE, "it is named as the cause")
        if known:
            return
        about = self._older(hit, Is("subject", (cause,), exact=True), limit=5, inclusive=True)
        for one in about[-1:]:
            yield Found(one, Bond.MESSAGE, f"it is the {one.event.subject_kind} that is named as the cause")
            yield from self._twice(one)

    def _twice(self, hit: Hit) -> Iterator[Found]:
        """Yield the copy of a message before this one: the same content, or the same id with other content."""
        shas = {change.after for change in hit.event.changes if change.path == "/sha256" and change.after}
        same = Is("action", (hit.event.action, "intake.reuse"), exact=True)
        source = (Is("source", (hit.event.source,), exact=True),) if hit.event.source else ()
        for one in self._before(hit, same, *source):
            content = {change.after for change in one.event.changes if change.path == "/sha256"}
            if content & shas and one.event.subject != hit.event.subject:
                yield Found(
                    hit, Bond.TWICE, f"it is the same message as {one.event.subject}, which came before"
                )
                return

    def _named(self, hit: Hit, sealed: SealedEvent) -> Iterator[Found]:
        """Yield the last change of each thing that the event links to, which is no order or payment of its own."""
        for link in sealed.event.links[:5]:
            if link.kind in {"payment", "charge", "tracking_number", "shipment", "order", "customer"}:
                continue
            for one in self._before(hit, Is("subject", (link.id,), exact=True), limit=5)[:1]:
                told = f"the {link.kind} {link.id} that is named was last changed by it"
                yield Found(one, Bond.NAMED, told, weight=_freshness(hit, one))
        ticket = hit.event.ticket
        if ticket is not None:
            for one in self._before(hit, Is("subject", (ticket,), exact=True), limit=1):
                yield Found(one, Bond.NAMED, f"it is about {ticket}, which is named as the ticket")

    def _wrote(self, hit: Hit, sealed: SealedEvent) -> Iterator[Found]:
        """Yield who last wrote each value that the event found and changed."""
        wanted = {change.path: change.before for change in hit.event.changes if change.before is not None}
        if not wanted or sealed.event.action.endswith(".read"):
            return
        same = Is("subject", (hit.event.subject,), exact=True)
        for one in self._before(hit, same):
            if one.event.outcome != "success":
                continue
            for change in one.event.changes:
                if change.path in wanted:
                    value = wanted.pop(change.path)
                    fits = change.after == value
                    told = f"it last wrote {change.field}, as {change.after}"
                    bypassed = "" if fits else f"; what was found there is {value}, which no event wrote"
                    yield Found(one, Bond.WROTE, told + bypassed, weight=1.0 if fits else 0.6)
            if not wanted:
                return

    def _used(self, hit: Hit) -> Iterator[Found]:
        """Yield who last wrote the values of the order that an event of this kind is made from."""
        order = hit.event.order
        if order is None or not hit.event.action.startswith(_USING):
            return
        seen: set[str] = set()
        for one in self._before(hit, Is("order", (order,), exact=True)):
            if one.event.outcome != "success" or one.event.action in {"order.create", "external.fact"}:
                continue
            fields = {change.field for change in one.event.changes if change.before is not None} & _VALUES
            if fields - seen:
                names = ", ".join(sorted(fields - seen))
                seen |= fields
                hours = (hit.event.time - one.event.time) / HOUR
                yield Found(one, Bond.USED, f"it last wrote {names} of the order, {hours:.1f} hours before")

    def _again(self, hit: Hit) -> Iterator[Found]:
        """Yield the first of a series of tries of the same thing."""
        same = [Is("action", (hit.event.action,), exact=True)]
        place = hit.event.order or hit.event.subject
        same.append(Is("order" if hit.event.order else "subject", (place,), exact=True))
        series = [
            one
            for one in self._before(hit, *same, limit=LOOKED * 5)
            if hit.event.time - one.event.time <= _SERIES and one.event.subject_kind == hit.event.subject_kind
        ]
        if not series:
            return
        failed = [one for one in series if one.event.outcome in {"failed", "rolled_back"}]
        first = failed[-1] if failed else series[-1]
        many = len(series)
        if not failed and many < 2:
            return
        told = f"it is the first of {many + 1} tries of the same thing" + (", and failed" if failed else "")
        yield Found(first, Bond.AGAIN, told, weight=1.05 if many >= 5 else 1.0)

    def _clock(self, hit: Hit) -> Iterator[Found]:
        """Yield the first event of a source whose clock is wrong, where the event's own is."""
        apart = _apart(hit)
        if hit.event.source is None or not _is_wrong(apart):
            return
        first, wrong = hit, 0
        for one in self._recorded_before(hit):
            if not _is_wrong(_apart(one)):
                break
            first, wrong = one, wrong + 1
        told = f"the clock of {hit.event.source} is off by {abs(apart) // MICRO} seconds from here on"
        yield Found(first, Bond.CLOCK, told, weight=1.0 if wrong else 0.9)

    def _recorded_before(self, hit: Hit) -> list[Hit]:
        """Return events of the same source that were recorded before, the latest first."""
        source = Is("source", (hit.event.source or "",), exact=True)
        own = self.within.with_(source)
        edge = Cursor(max(hit.event.time, hit.event.recorded) + DAY, (1 << 63) - 1)
        found = self.searches.page(own, LOOKED * 5, edge, Way.OLDER)
        earlier = [one for one in found if one.event.recorded < hit.event.recorded]
        return sorted(earlier, key=lambda one: -one.event.recorded)

    def _right(self, hit: Hit) -> Iterator[Found]:
        """Yield what last gave the actor a right or a means, within a month."""
        rights = Is("action", _RIGHTS, exact=True)
        for one in self._before(hit, rights, Is("subject", (hit.event.actor,), exact=True), limit=3):
            days = (hit.event.time - one.event.time) / DAY
            if days > 30:
                return
            by_self = one.event.actor == hit.event.actor
            fresh = 1.15 if days < 2 else 0.9 if days < 7 else 0.6
            told = f"it gave {hit.event.actor} a right or a key {days:.1f} days before"
            yield Found(
                one, Bond.RIGHT, told + (", by themselves" if by_self else ""), weight=fresh + 0.1 * by_self
            )

    def _session(self, hit: Hit) -> Iterator[Found]:
        """Yield how the session began, and whether from an address that the actor had used before."""
        if hit.event.session is None:
            return
        begin = self.within.with_(Is("session", (hit.event.session,), exact=True))
        first = next(iter(self.searches.page(begin, 1, None, Way.NEWER)), None)
        if first is None or first.event.id == hit.event.id:
            return
        address = first.event.ip or hit.event.ip
        before = self._before(first, Is("actor", (hit.event.actor,), exact=True))
        known = {one.event.ip for one in before if one.event.ip is not None}
        if address is not None and known and address not in known:
            told = f"the session began from an address that {hit.event.actor} had never used before"
            yield Found(first, Bond.SESSION, told, weight=1.25)
        else:
            yield Found(first, Bond.SESSION, "with it the session began", weight=0.5)

    def _version(self, hit: Hit, sealed: SealedEvent) -> Iterator[Found]:
        """Yield the deployment of the program's version, or the first event that this version did."""
        version = sealed.event.context.version if sealed.event.context is not None else None
        if version is None:
            return
        deployed = self._before(hit, Is("subject", (version,), exact=True), limit=1)
        for one in deployed:
            hours = (hit.event.time - one.event.time) / HOUR
            told = f"version {version}, which did it, was put to work {hours:.1f} hours before"
            yield Found(one, Bond.VERSION, told, weight=1.1 * _freshness(hit, one))

    def _request(self, hit: Hit) -> Iterator[Found]:
        """Yield the first event of the same trace or request."""
        for name in ("trace", "request"):
            value = getattr(hit.event, name)
            if value is None:
                continue
            same = self.within.with_(Is(name, (value,), exact=True))
            first = next(iter(self.searches.page(same, 1, None, Way.NEWER)), None)
            if first is not None and first.event.time < hit.event.time and first.event.id != hit.event.id:
                yield Found(first, Bond.REQUEST, f"with it the {name} began")
                return

    def _before(self, hit: Hit, *terms: Is, limit: int = LOOKED) -> Sequence[Hit]:
        """Return events before one, the latest first."""
        return self.searches.page(self.within.with_(*terms), limit, hit.cursor, Way.OLDER)

    def _older(self, hit: Hit, term: Is, *, limit: int, inclusive: bool) -> Sequence[Hit]:
        """Return events of a subject until the event's day is over: what tells of a message may be recorded after."""
        edge = Cursor(hit.event.time + (DAY if inclusive else 0), (1 << 63) - 1)
        return self.searches.page(self.within.with_(term), limit, edge, Way.OLDER)


def _freshness(hit: Hit, one: Hit) -> float:
    """Return how well an earlier event can explain a later one by its age.

    A rule that was changed three weeks ago has made every order since: it does not explain what is different now.
    """
    days = (hit.event.time - one.event.time) / DAY
    return 1.0 if days <= 1 else 0.8 if days <= 4 else 0.6 if days <= 8 else 0.4


def _apart(hit: Hit) -> int:
    """Return by how much an event was recorded after its own time, in microseconds."""
    return hit.event.recorded - hit.event.time


def _is_wrong(apart: int) -> bool:
    return apart < -_SKEW or apart > _BEHIND
