"""An order: its life as one timeline, what it was at any moment, what differs between two, and how all of it is proven.

Printed, the page is a dossier: every event with its entry and hash, and the checkpoint that proves them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.ledger.verify.bundle import Proven, format_proof_bundle
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.questions.orders import Differs, Known, StateAsOf, difference, state_as_of
from ordertrail.query.questions.reads import is_reading
from ordertrail.query.standing import STATUS_PATHS, VALUE_PATHS
from ordertrail.services import Sealed, Services
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import may_see
from ordertrail.web.pages.addresses import Address, address_of, event_href
from ordertrail.web.pages.expected import PathStep, path_of
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.proving import order_continuity
from ordertrail.web.pages.reading import Moment, Reading, duration
from ordertrail.web.pages.regions import Region, ask, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import Standing, reading_for, services_of
from ordertrail.web.pages.telling import Piece, Row, Shown, channel_words, label_of, shown, told

SHOWN: Final = 250
"""Events of a page of a timeline."""
_FIELDS: Final = 200
"""Fields of a state that are shown at once."""
_PROVEN: Final = 2_000
"""Events of an order up to which they are put into one bundle."""
_GAP: Final = timedelta(hours=2)
_SESSION: Final = timedelta(minutes=10)
_NAMES: Final = ("tenant", "at", "from", "page")
_APPROVALS: Final = frozenset({"order.approve"})

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in a timeline. ``gap`` is the silence before it, where it is long; ``day`` where a new day begins."""

    id: str
    href: str
    at: Moment
    pieces: tuple[Piece, ...]
    day: str
    gap: str
    lane: str
    icon: str
    sensitive: bool
    attempt: bool
    later: bool
    """It happened after the moment as of which the order is shown."""
    flag: str
    number: str
    leaf: str
    continued: bool
    """The same actor went on: one sitting."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a field of an order was, how it is known, and the event that says so."""

    label: str
    path: str
    value: Shown
    how: str
    href: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The order as it stood at a moment; ``moments`` are its steps."""

    at: Moment
    events: str
    fields: tuple[Field, ...]
    more: str
    contradictions: tuple[str, ...]
    place: int
    last: int
    moments: tuple[str, ...]
    values: tuple[str, ...]
    previous: str
    following: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between two moments."""

    before: Moment
    after: Moment
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The order's name in another system."""

    system: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """How many events of the order are proven, and what is wrong."""

    standing: Standing
    sentence: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """What the page shows."""

    order: str
    tenant: str
    state: str
    worth: str
    worth_at_approval: str
    began: Moment
    last: Moment
    events: str
    attempts: int
    sensitive: int
    people: tuple[str, ...]
    path: tuple[PathStep, ...]
    timeline: tuple[Entry, ...]
    newer: str
    older: str
    note: str
    elsewhere: tuple[Elsewhere, ...]
    as_of: AsOf
    compared: Compared | None
    compare_from: str
    proofs: Region[Proofs]
    here: str
    bundle_href: str
    explore_href: str
    why_href: str


@router.get("/orders/{order:path}/bundle", include_in_schema=False)
def order_bundle(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.PROOFS_READ))],
    order: str,
    tenant: str | None = None,
) -> Response:
    """Hand out all entries of an order with their proofs and the log's keys, in one file."""
    services = services_of(request)
    items = _items(services, who, order, tenant)
    if len(items) > _PROVEN:
        raise InputError(
            f"order {order} has {count(len(items), 'event')}; up to {_PROVEN:,} go into one file",
            remedy="Use 'ordertrail prove --order' on the command line.",
        )
    proofs = [services.trail.prove(item.entry.event.id) for item in items]
    proven = [
        Proven(one.sealed.entry.event.id, one.sealed.row.entry, format_tlog_proof(one.proof))
        for one in proofs
    ]
    keys = dict.fromkeys(services.trail.keys(one.sealed.stream)[-1].vkey for one in proofs)
    observe(request, who, "evidence.prove", "order", order, order=order, tenant=tenant)
    return Response(
        format_proof_bundle(proven, keys),
        200,
        {"Content-Disposition": 'attachment; filename="order-proofs.zip"'},
        "application/zip",
    )


@router.get("/orders/{order:path}", include_in_schema=False)
def order_page(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))],
    order: str,
    tenant: str | None = None,
) -> Response:
    """Show an order's life."""
    services, reading = services_of(request), reading_for(request)
    items = _items(services, who, order, tenant)
    here = address_of(request, _NAMES)
    page = _Told(services, order, items, reading, here).page(request.query_params.get("region"))
    if "region" not in request.query_params:
        observe(
            request,
            who,
            "evidence.read",
            "order",
            order,
            details=[("events", len(items))],
            order=order,
            tenant=tenant,
        )
    return render(request, who, View("order.html", f"Order {order}", order), page)


def _items(services: Services, who: Principal, order: str, tenant: str | None) -> list[Sealed]:
    items = [
        one for one in services.trail.history(order, tenant=tenant) if may_see(who.scope, one.entry.event)
    ]
    if not items:
        raise InputError(
            f"the trail holds no sealed event of order {order[:80]}",
            remedy="Check the number; an order that was recorded a moment ago is there as soon as it is sealed.",
        )
    return items


class _Told:
    """An order, told."""

    def __init__(
        self, services: Services, order: str, items: Sequence[Sealed], reading: Reading, here: Address
    ) -> None:
        self._services = services
        self._order = order
        self._items = items
        self._reading = reading
        self._here = here
        self._history = [read_entry(item.stream, item.row) for item in items]
        self._moments = sorted(
            {
                one.event.moment
                for one in self._history
                if one.event.outcome == "success" and not is_reading(one.event.action)
            }
        ) or [self._history[-1].event.moment]

    def page(self, region: str | None) -> OrderPage:
        """Return the page; the proofs only where they are asked for."""
        history, reading = self._history, self._reading
        now = self._state(self._moments[-1])
        at = self._chosen("at") or self._moments[-1]
        page = max(1, int(self._here.get("page"))) if self._here.get("page").isdecimal() else 1
        start = (page - 1) * SHOWN
        part = list(self._entries(at))[start : start + SHOWN]
        events = [one.event for one in history]
        actions = self._services.query.actions
        href = str(self._here.with_(region="proofs"))
        return OrderPage(
            order=self._order,
            tenant=self._here.get("tenant") or (events[0].subject.tenant or ""),
            state=_found(now, STATUS_PATHS, reading) or "not told",
            worth=_found(now, VALUE_PATHS, reading) or self._sum(now),
            worth_at_approval=self._at_approval(),
            began=reading.moment(events[0].time),
            last=reading.moment(events[-1].time),
            events=count(len(events), "event"),
            attempts=sum(event.outcome != "success" for event in events),
            sensitive=sum(event.action in actions and actions[event.action].sensitive for event in events),
            people=tuple(dict.fromkeys(event.actor.id for event in events if event.actor.kind == "person")),
            path=path_of(events, reading),
            timeline=tuple(part),
            newer=str(self._here.with_(page=str(page - 1))) if page > 1 else "",
            older=str(self._here.with_(page=str(page + 1))) if start + SHOWN < len(history) else "",
            note=f"{start + 1:,} to {start + len(part):,} of {count(len(history), 'event')}",
            elsewhere=tuple(
                dict.fromkeys(
                    Elsewhere(link.system, link.kind.replace("_", " "), link.id)
                    for e in events
                    for link in e.links
                )
            ),
            as_of=self._as_of(at),
            compared=self._compared(at),
            compare_from=self._here.get("from"),
            proofs=ask("Proof", self._proofs, href) if region == "proofs" else loading("Proofs", href),
            here=str(self._here.with_(at=None, page=None)),
            bundle_href=str(
                Address(f"{self._here.path}/bundle").with_(tenant=self._here.get("tenant") or None)
            ),
            explore_href=str(Address("/explore").with_(q=f'order:="{self._order}"')),
            why_href=str(Address("/why").with_(order=self._order, tenant=self._here.get("tenant") or None)),
        )

    def _proofs(self) -> Region[Proofs]:
        step = order_continuity(self._services.trail, self._items)
        good = step.outcome.tone == "good"
        return ready("Proof", Proofs(Standing.PROVEN if good else Standing.BROKEN, step.found))

    def _state(self, moment: datetime) -> StateAsOf:
        return state_as_of(self._history, self._order, moment)

    def _chosen(self, name: str) -> datetime | None:
        """Return the moment that a parameter names: a step of the slider, or a time."""
        said = self._here.get(name)
        if not said:
            return None
        if said.isdecimal() and len(said) < 9:
            return self._moments[min(int(said), len(self._moments) - 1)]
        try:
            when = self._services.query.parse(f"when:{said}", str(self._reading.zone)).terms[0]
            end: datetime | None = getattr(when, "end", None)
        except InputError:
            return parse_time_or(said, self._moments[-1])
        return None if end is None else end - timedelta(microseconds=1)

    def _entries(self, at: datetime) -> Iterator[Entry]:
        actions, reading = self._services.query.actions, self._reading
        approved: datetime | None = None
        before: SealedEvent | None = None
        for one, item in zip(self._history, self._items, strict=True):
            event = one.event
            moment = reading.moment(event.time)
            silence = event.moment - before.event.moment if before is not None else timedelta(0)
            day = moment.day if before is None or reading.moment(before.event.time).day != moment.day else ""
            same = before is not None and before.event.actor.id == event.actor.id and silence < _SESSION
            flag = _flag(one, approved)
            action = actions.get(event.action)
            context = event.context
            yield Entry(
                id=event.id,
                href=event_href(event.id),
                at=moment,
                pieces=told(event, actions, reading),
                day=day,
                gap=f"{duration(silence)} without any event" if silence >= _GAP else "",
                lane=_lane(one),
                icon=_icon(event.action, event.actor.kind),
                sensitive=action is not None and action.sensitive,
                attempt=event.outcome != "success",
                later=event.moment > at,
                flag=flag,
                number=f"{item.row.number:,}",
                leaf=item.row.hash.hex(),
                continued=same and context is not None,
            )
            if event.action in _APPROVALS and event.outcome == "success" and approved is None:
                approved = event.moment
            before = one

    def _at_approval(self) -> str:
        approved = next((one.event.moment for one in self._history if one.event.action in _APPROVALS), None)
        if approved is None:
            return ""
        state = self._state(approved)
        return _found(state, VALUE_PATHS, self._reading) or self._sum(state)

    def _sum(self, state: StateAsOf) -> str:
        """Return what an order's lines come to by their prices and quantities, where every one of them tells both."""
        values = {one.place.path: one.value for one in state.fields}
        lines = {path.split("/")[2] for path in values if path.startswith("/lines/")}
        sums: Counter[str] = Counter()
        for line in lines:
            match values.get(f"/lines/{line}/unit_price"), values.get(f"/lines/{line}/quantity"):
                case {"amount": int(amount), "currency": str(currency)}, int(quantity):
                    sums[currency] += amount * quantity
                case _:
                    return ""
        if len(sums) != 1:
            return ""
        currency, amount = sums.popitem()
        return self._reading.money(amount, currency)

    def _as_of(self, at: datetime) -> AsOf:
        state, reading = self._state(at), self._reading
        fields = tuple(self._field(one) for one in state.fields[:_FIELDS])
        place = max((n for n, moment in enumerate(self._moments) if moment <= at), default=0)
        steps = tuple(reading.moment(moment).whole for moment in self._moments)
        wrong = tuple(
            f"{label_of(one.place.path)}: one event left {shown(one.left, reading).text}, "
            f"the next found {shown(one.found, reading).text}"
            for one in state.contradictions
        )
        link = self._here.with_(at=None)
        return AsOf(
            at=reading.moment(at),
            events=count(state.events, "event"),
            fields=fields,
            more=f"{len(state.fields) - _FIELDS:,} more fields" if len(state.fields) > _FIELDS else "",
            contradictions=wrong,
            place=place,
            last=len(self._moments) - 1,
            moments=steps if len(steps) <= SHOWN else (),
            values=tuple(map(str, range(len(steps)))),
            previous=str(link.with_(at=str(place - 1))) if place > 0 else "",
            following=str(link.with_(at=str(place + 1))) if place < len(steps) - 1 else "",
        )

    def _field(self, one: Known) -> Field:
        own = one.place.id.removeprefix(f"{self._order}/")
        kind = one.place.kind.replace("order_", "")
        name = label_of(one.place.path)
        label = name if one.place.id == self._order or " of " in name else f"{name} of {kind} {own}"
        return Field(
            label, one.place.path, shown(one.value, self._reading), one.how.value, event_href(one.event)
        )

    def _compared(self, at: datetime) -> Compared | None:
        start = self._chosen("from")
        if start is None:
            return None
        first, last = sorted((start, at))
        reading = self._reading
        rows = tuple(self._differing(one) for one in difference(self._state(first), self._state(last)))
        return Compared(reading.moment(first), reading.moment(last), rows)

    def _differing(self, one: Differs) -> Row:
        known = one.after or one.before
        return Row(
            self._field(known).label if known is not None else label_of(one.place.path),
            one.place.path,
            shown(one.before.value, self._reading) if one.before else None,
            shown(one.after.value, self._reading) if one.after else None,
        )


def parse_time_or(text: str, other: datetime) -> datetime:
    """Return an RFC 3339 time, or another moment where a text is none."""
    try:
        return parse_time(text)
    except ValueError:
        return other


def _found(state: StateAsOf, paths: frozenset[str], reading: Reading) -> str:
    known = [one for one in state.fields if one.place.path in paths and one.place.kind in {"order", "orders"}]
    return shown(known[-1].value, reading).text if known else ""


def _flag(one: SealedEvent, approved: datetime | None) -> str:
    """Return what is out of the ordinary in an event, given what came before it; empty where nothing is."""
    if not one.intact:
        return "BROKEN: altered after it was sealed"
    event = one.event
    if approved is None or event.outcome != "success" or event.moment <= approved:
        return ""
    moved = any(isinstance(change.after, dict) and "amount" in change.after for change in event.changes)
    if moved and event.action.startswith("order."):
        return f"{duration(event.moment - approved)} after approval"
    return ""


def _lane(one: SealedEvent) -> str:
    event, context = one.event, one.event.context
    if context is not None and context.source:
        return context.source
    if context is not None and context.channel and event.actor.kind == "person":
        return channel_words(context.channel)
    return event.actor.kind


_ICONS: Final = (
    ("payment.", "credit-card"),
    ("shipment.", "truck"),
    ("item.", "boxes"),
    ("return.", "undo-2"),
    ("order.price", "badge-percent"),
    ("order.cancel", "ban"),
    ("order.approve", "stamp"),
    ("order.read", "eye"),
    ("order.create", "file-plus-2"),
)


def _icon(action: str, kind: str) -> str:
    found = next((icon for prefix, icon in _ICONS if action.startswith(prefix)), None)
    return found or {"person": "user-round", "service": "cpu", "system": "cog"}.get(kind, "circle")
