"""Orders: where each stands, the ones with the newest events first; and those that changed after they were approved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Has
from ordertrail.query.ports import Cursor, Hit
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.orders import order_history, state_as_of
from ordertrail.query.questions.search import parse_cursor
from ordertrail.query.service import Query
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import Address, address_of, event_href, order_href, person_href
from ordertrail.web.pages.approvals import LateChange, changed_after_approval
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading, duration, read_time
from ordertrail.web.pages.regions import Region, Way, ask, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import Links
from ordertrail.web.pages.shell import reading_for
from ordertrail.web.pages.telling import label_of

_ROWS: Final = 50
_SCANNED: Final = 1_000
"""Newest events among which a page's orders are looked for."""
_NAMES: Final = ("q", "view", "when", "before")
_LATE: Final = "after-approval"
_TIMES: Final = (
    ("Last 7 days", "last-7-days"),
    ("This month", "this-month"),
    ("Last month", "last-month"),
    ("This year", "this-year"),
    ("Any time", "any"),
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order and where it stands."""

    order: str
    href: str
    tenant: str
    status: str
    worth: str
    first: Moment
    last: Moment
    events: str
    sensitive: int
    attempts: int


@dataclass(frozen=True, slots=True)
class LateRow:
    """A change of money after an order was approved."""

    order: str
    href: str
    at: Moment
    late: str
    who: str
    who_href: str
    field: str
    before: str
    after: str
    quantity: str
    effect: str
    event_href: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What the changes come to in one currency, and how many orders they are of."""

    total: str
    currency: str
    orders: str


@dataclass(frozen=True, slots=True)
class Late:
    """The orders that changed after approval."""

    rows: tuple[LateRow, ...]
    effects: tuple[Effect, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of orders."""

    rows: tuple[OrderRow, ...]
    links: Links


@dataclass(frozen=True, slots=True)
class Choice:
    """A stretch of time that is offered."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """What the page shows: one of its two tabs."""

    text: str
    problems: tuple[Problem, ...]
    is_late: bool
    all_href: str
    late_href: str
    times: tuple[Choice, ...]
    listed: Region[Listed] | None
    late: Region[Late] | None
    span: str


@router.get("/orders", include_in_schema=False)
def orders(request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))]) -> Response:
    """Show orders."""
    query, reading = asked(request, who), reading_for(request)
    here = address_of(request, _NAMES)
    is_late = here.get("view") == _LATE
    text = here.get("q")
    when = here.get("when") or ("this-month" if is_late else "any")
    problems: tuple[Problem, ...] = ()
    meant = Filter()
    try:
        meant = query.parse(
            " ".join(part for part in (text, f"when:{when}" if when and when != "any" else "") if part),
            str(reading.zone),
        )
    except InputError as error:
        problems = error.problems
    fresh = here.with_(before=None)
    times = tuple(Choice(label, str(fresh.with_(when=phrase)), phrase == when) for label, phrase in _TIMES)
    late = (
        ask("Changed after approval", lambda: _late(query, meant, reading, fresh), str(here))
        if is_late
        else None
    )
    listed = None if is_late else ask("Orders", lambda: _listed(query, meant, reading, here), str(here))
    page = OrdersPage(
        text=text,
        problems=problems,
        is_late=is_late,
        all_href=str(Address("/orders").with_(q=text)),
        late_href=str(Address("/orders").with_(view=_LATE, q=text)),
        times=times,
        listed=listed,
        late=late,
        span=meant.sentence() if meant.terms else "All orders",
    )
    observe(request, who, "evidence.search", "search", "orders", meant.sentence())
    return render(request, who, View("orders.html", "Orders", text), page)


def _listed(query: Query, meant: Filter, reading: Reading, here: Address) -> Region[Listed]:
    beyond = parse_cursor(here.get("before")) if here.get("before") else None
    asked = meant.with_(Has("order"))
    answer = query.answer(lambda: query.searches.page(asked, _SCANNED, beyond, Direction.OLDER))
    keys, last = _orders_of(answer.value)
    if not keys:
        if meant.terms:
            return filtered(
                "Orders", f"No order is among: {meant.sentence()}", (Way("Remove the filter", "/orders"),)
            )
        return empty(
            "Orders", "No order has been recorded yet", "Orders show here as soon as an event names one."
        )
    standings = query.searches.standings(keys)
    rows = []
    for order, tenant in keys:
        one = standings.get((order, tenant))
        if one is not None:
            rows.append(
                OrderRow(
                    order,
                    order_href(order, tenant or None),
                    tenant,
                    one.status or "not told",
                    reading.money(one.amount, one.currency)
                    if one.amount is not None and one.currency
                    else "",
                    reading.moment(one.first),
                    reading.moment(one.last),
                    f"{one.events:,}",
                    one.sensitive,
                    one.attempts,
                )
            )
    more = last is not None and (len(answer.value) == _SCANNED or len(keys) == _ROWS)
    older = str(here.with_(before=str(last))) if more else ""
    newer = str(here.with_(before=None)) if beyond is not None else ""
    return ready(
        "Orders", Listed(tuple(rows), Links(newer, older, count(len(rows), "order"))), answer.lag, str(here)
    )


def _orders_of(hits: Sequence[Hit]) -> tuple[list[tuple[str, str]], Cursor | None]:
    """Return the first orders that events name, each once, and the place of the last event that was looked at."""
    keys: dict[tuple[str, str], None] = {}
    last: Cursor | None = None
    for hit in hits:
        if hit.event.order is not None:
            key = (hit.event.order, hit.event.tenant or "")
            if key not in keys and len(keys) == _ROWS:
                break
            keys[key] = None
        last = hit.cursor
    return list(keys), last


def _late(query: Query, meant: Filter, reading: Reading, here: Address) -> Region[Late]:
    answer = query.answer(lambda: changed_after_approval(query.searches, meant))
    found = answer.value
    if not found.changes:
        ways = tuple(Way(label, str(here.with_(when=phrase))) for label, phrase in _TIMES)
        return filtered(
            "Changed after approval", f"No amount changed after approval: {meant.sentence()}", ways
        )
    rows = []
    totals: Counter[str] = Counter()
    orders: dict[str, set[str]] = {}
    for one in found.changes:
        row, effect, unit = _late_row(query, one, reading)
        rows.append(row)
        totals[unit] += effect
        orders.setdefault(unit, set()).add(row.order)
    effects = tuple(
        Effect(reading.change(total, unit), unit, count(len(orders[unit]), "order"))
        for unit, total in _euro_first(totals)
    )
    note = "" if found.whole else "There were more changes than are looked at; these are the newest."
    return ready("Changed after approval", Late(tuple(rows), effects, note), answer.lag, str(here))


def _euro_first(totals: Counter[str]) -> list[tuple[str, int]]:
    return sorted(totals.items(), key=lambda one: (one[0] != "EUR", one[0]))


def _late_row(query: Query, one: LateChange, reading: Reading) -> tuple[LateRow, int, str]:
    event, change = one.hit.event, one.change
    unit, delta = change.unit or "", change.delta or 0
    quantity = _quantity(query, one) if change.field.endswith("price") else None
    effect = delta * (quantity or 1)
    row = LateRow(
        event.order or "",
        order_href(event.order or "", event.tenant),
        reading.moment(event.time),
        duration(read_time(event.time) - read_time(one.approved)),
        event.actor,
        person_href(event.actor),
        label_of(change.path),
        reading.money(change.before_number or 0, unit),
        reading.money(change.after_number or 0, unit),
        f"× {quantity:,}" if quantity is not None else "",  # noqa: RUF001 - as numbers are set
        reading.change(effect, unit),
        event_href(event.id),
    )
    return row, effect, unit


def _quantity(query: Query, one: LateChange) -> int | None:
    """Return how many of a line were ordered when its price changed, as the order's own events tell."""
    event = one.hit.event
    order = event.order or ""
    state = state_as_of(order_history(query.orders, order, event.tenant), order, read_time(event.time))
    wanted = one.change.path.rsplit("/", 1)[0] + "/quantity"
    found = next((known.value for known in state.fields if known.place.path == wanted), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
