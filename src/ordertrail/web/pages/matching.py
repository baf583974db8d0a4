"""Matching: what may belong to an order and waits for a person, what was decided, and what does not agree.

Nothing that only looks alike is linked by itself: it waits here with its reasons and how likely it is, until somebody
links it or says that it is not the same. A link that was wrong is undone; that it was there stays on record.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal, Scope
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.correlate.facts import Fact, Thing, parse_thing
from ordertrail.correlate.matching.links import MOVES, Link, LinkState
from ordertrail.correlate.reconciling.exceptions import Exceptional
from ordertrail.correlate.reconciling.promise import promise_of
from ordertrail.correlate.reconciling.rules import Kind
from ordertrail.correlate.service import Correlate, Possible
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.spelling import quoted
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import sees_whole_tenants
from ordertrail.web.pages.addresses import Address, address_of, explore_href, order_href
from ordertrail.web.pages.discrepancies import (
    AccountRow,
    Discrepancies,
    accounts_of,
    discrepancies_of,
    risk_of,
)
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.overview import Stat
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, Way, denied, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_HERE: Final = "/matching"
_NAMES: Final = ("show", "order", "kind", "day", "page", "thing", "after")
_ROWS: Final = 25
_CHUNK: Final = 500
_MOST: Final = 10_000
"""Links that are counted; beyond it is said that there are more."""
_QUEUES: Final = {
    "waiting": ("Waiting", LinkState.PROPOSED),
    "linked": ("Linked", LinkState.LINKED),
    "rejected": ("Not the same", LinkState.REJECTED),
    "undone": ("Undone", LinkState.UNDONE),
}
_DEEDS: Final = {
    LinkState.LINKED: "Link",
    LinkState.REJECTED: "Not the same",
    LinkState.UNDONE: "Undo the link",
}
_TONES: Final = {
    LinkState.PROPOSED: "wait",
    LinkState.LINKED: "good",
    LinkState.REJECTED: "mute",
    LinkState.UNDONE: "mute",
}
_FACTS: Final = 6
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Queue:
    """Links that stand so: which, and whether they are shown."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person may make of a link."""

    state: str
    label: str
    first: bool


@dataclass(frozen=True, slots=True)
class FactLine:
    """Something that a provider said."""

    what: str
    amount: str
    at: Moment


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link between what a provider tells of and an order, with what there is to decide it by."""

    thing: str
    account: str
    about: str
    thing_href: str
    facts: tuple[FactLine, ...]
    more: str
    order: str
    order_href: str
    links_href: str
    worth: str
    status: str
    placed: Moment | None
    confidence: str
    reasons: tuple[str, ...]
    state: str
    tone: str
    by: str
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class LinksShown:
    """A page of links, and the address of the next."""

    rows: tuple[LinkRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What gateways told, summed when all orders were held together last."""

    at: Moment
    orders: str
    accounts: tuple[AccountRow, ...]


@dataclass(frozen=True, slots=True)
class MatchingPage:
    """What the page shows."""

    strip: tuple[Stat, ...]
    queues: tuple[Queue, ...]
    order: str
    links: Region[LinksShown]
    discrepancies: Region[Discrepancies]
    filter_off: str
    money: Region[Sums]
    may_decide: bool


def correlate_of(request: Request) -> Correlate:
    """Return the application's correlation. Raises ConfigurationError where it has none."""
    found = services_of(request).correlate
    if found is None:
        raise ConfigurationError("this application hears of no gateway and no carrier")
    return found


@router.get("/matching", include_in_schema=False)
def matching_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.LINKS_READ))]) -> Response:
    """Show what waits for a person, and what does not agree."""
    asked = _Asked(correlate_of(request), reading_for(request), who, address_of(request, _NAMES))
    page = asked.page()
    details = [(name, value) for name, value in asked.here.parameters if name in {"show", "kind", "day"}]
    observe(request, who, "evidence.read", "matching", asked.here.get("order") or "all", details=details)
    return render(request, who, View("matching.html", "Matching"), page)


@router.post("/matching/links", include_in_schema=False)
async def decide_link(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.LINKS_DECIDE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Link a thing and an order, say that they are not the same, or undo a link."""
    correlate = correlate_of(request)
    link = await run_in_threadpool(_decide, correlate, who, form)
    return RedirectResponse(f"{Address(_HERE).with_(order=link.order)}#links", 303)


@router.post("/matching/discrepancies", include_in_schema=False)
async def settle_discrepancy(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.LINKS_DECIDE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Let a discrepancy stand, with a reason."""
    correlate, order, kind = correlate_of(request), form.get("order"), _kind(form.get("kind"))
    await run_in_threadpool(_settle, correlate, who, order, kind, form.get("reason"))
    return RedirectResponse(f"{_HERE}#discrepancies", 303)


def _decide(correlate: Correlate, who: Principal, form: Posted) -> Link:
    thing, order, reason = (
        parse_thing(form.get("thing").strip()),
        form.get("order").strip(),
        form.get("reason"),
    )
    try:
        state = LinkState(form.get("state"))
    except ValueError:
        raise InputError(f"say what is decided: {', '.join(map(str, _DEEDS))}") from None
    known = {one.order: one for one in correlate.linker.matcher.links.of_things([thing]).get(thing, ())}
    if order in known and _sees(who.scope, known[order].tenant):
        return correlate.decide(thing, order, state, actor_of(who), reason)
    if order in known or state is not LinkState.LINKED:
        raise InputError(f"there is no link of {thing} to {order[:200]!r}")
    return correlate.link(thing, order, _tenant(correlate, who, thing, order), actor_of(who), reason)


def _tenant(correlate: Correlate, who: Principal, thing: Thing, order: str) -> str | None:
    """Return the tenant of a thing and an order. Raises InputError unless both are there, of one tenant, and seen."""
    found = next(iter(correlate.orders.get([order])), None)
    if found is None or not _sees(who.scope, found.tenant):
        raise InputError(f"there is no order {order[:200]!r} that could be linked")
    facts = correlate.linker.matcher.facts.of([thing]).get(thing, ())
    if any(fact.tenant != found.tenant for fact in facts):
        raise InputError(f"there is no {thing} of the tenant whose order this is")
    return found.tenant


def _settle(correlate: Correlate, who: Principal, order: str, kind: Kind, reason: str) -> None:
    known = [one for one in correlate.exceptions.of([order]) if one.discrepancy.kind is kind]
    if not any(_sees(who.scope, one.discrepancy.tenant) for one in known):
        raise InputError(f"there is no discrepancy {kind} of {order[:200]!r}")
    correlate.settle(order, kind, actor_of(who), reason)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One reading of the page: by whom, and of which address."""

    correlate: Correlate
    reading: Reading
    who: Principal
    here: Address

    def page(self) -> MatchingPage:
        """Return what is shown; to whom only a part of a tenant is shown, nothing: links name no channel."""
        show, order = self.here.get("show") or "waiting", self.here.get("order")
        if show not in _QUEUES:
            raise InputError(f"links can be shown that are {', '.join(_QUEUES)}")
        sees = sees_whole_tenants(self.who.scope)
        open_ = self._open() if sees else []
        return MatchingPage(
            strip=self._strip(open_) if sees else (),
            queues=tuple(
                Queue(label, str(Address(_HERE).with_(show=name)), name == show and not order)
                for name, (label, _) in _QUEUES.items()
            ),
            order=order,
            links=self._links(show, order) if sees else _closed("Links"),
            discrepancies=self._discrepancies(open_) if sees else _closed("What does not agree"),
            filter_off=f"{self.here.with_(kind=None, day=None, page=None)}#discrepancies",
            money=self._money() if sees else _closed("Money"),
            may_decide=self.who.may(Verb.LINKS_DECIDE) and sees,
        )

    def _strip(self, open_: Sequence[Exceptional]) -> tuple[Stat, ...]:
        waiting = sum(1 for _ in islice(self._standing(LinkState.PROPOSED, None), _MOST + 1))
        more = f"more than {_MOST:,}" if waiting > _MOST else f"{waiting:,}"
        risk = risk_of((one.discrepancy for one in open_), self.reading)
        return (
            Stat("Possible matches", more, "wait for a person", f"{_HERE}#links"),
            Stat("Discrepancies", f"{len(open_):,}", "are open", f"{_HERE}#discrepancies"),
            Stat(
                "At risk",
                " · ".join(risk) or "nothing",
                "of each order the largest",
                f"{_HERE}#discrepancies",
            ),
        )

    def _open(self) -> list[Exceptional]:
        return [
            one for one in self.correlate.exceptions.open() if _sees(self.who.scope, one.discrepancy.tenant)
        ]

    def _standing(self, state: LinkState, beyond: Link | None) -> Iterator[Link]:
        """Yield the links that stand so and may be seen, those after one."""
        links = self.correlate.linker.matcher.links
        while page := links.standing(state, _CHUNK, beyond):
            yield from (one for one in page if _sees(self.who.scope, one.tenant))
            beyond = page[-1]

    def _links(self, show: str, order: str) -> Region[LinksShown]:
        if order:
            known = self.correlate.linker.matcher.links.of_orders([order]).get(order, ())
            found = [one for one in known if _sees(self.who.scope, one.tenant)]
            following = ""
        else:
            found = list(islice(self._standing(_QUEUES[show][1], self._beyond()), _ROWS + 1))
            following = self._next(found[:_ROWS]) if len(found) > _ROWS else ""
            found = found[:_ROWS]
        if found:
            rows = tuple(self._row(one) for one in self.correlate.possible(found))
            return ready("Links", LinksShown(rows, following))
        if order:
            return filtered("Links", f"Nothing is linked to {order}", (Way("Show what waits", _HERE),))
        if show == "waiting":
            return empty("Links", "Nothing waits", "What only a person can decide is shown here.")
        return filtered("Links", f"No link is {_QUEUES[show][0].lower()}", (Way("Show what waits", _HERE),))

    def _beyond(self) -> Link | None:
        """Return the link after which the page begins."""
        if not self.here.get("thing"):
            return None
        thing, order = parse_thing(self.here.get("thing")), self.here.get("after")
        for one in self.correlate.linker.matcher.links.of_things([thing]).get(thing, ()):
            if one.order == order:
                return one
        raise InputError(f"there is no link of {thing} to {order[:200]!r} to go on from")

    def _next(self, shown: Sequence[Link]) -> str:
        last = shown[-1]
        return f"{self.here.with_(thing=str(last.thing), after=last.order)}#links"

    def _row(self, one: Possible) -> LinkRow:
        link, order, reading = one.link, one.order, self.reading
        total = None if order is None else promise_of(order).total
        return LinkRow(
            thing=str(link.thing),
            account=f"{link.thing.system}/{link.thing.account}",
            about=f"{link.thing.kind} {link.thing.id}",
            thing_href=explore_href(f"subject:={quoted(link.thing.id)}"),
            facts=tuple(_line(fact, reading) for fact in one.facts[:_FACTS]),
            more=f"and {len(one.facts) - _FACTS:,} more" if len(one.facts) > _FACTS else "",
            order=link.order,
            order_href=order_href(link.order, link.tenant),
            links_href=f"{Address(_HERE).with_(order=link.order)}#links",
            worth="" if order is None or total is None else reading.money(total, order.currency),
            status="not kept here" if order is None else order.status.replace("_", " "),
            placed=None if order is None or order.placed is None else reading.moment(order.placed),
            confidence=f"{link.confidence / 100:.1f} %",
            reasons=link.reasons or ("somebody said so" if link.by_person else str(link.basis),),
            state="waits" if link.state is LinkState.PROPOSED else _QUEUES[_NAMED[link.state]][0].lower(),
            tone=_TONES[link.state],
            by=link.by if link.by_person else "",
            deeds=tuple(
                Deed(str(state), label, state is LinkState.LINKED)
                for state, label in _DEEDS.items()
                if state in MOVES[link.state]
            ),
        )

    def _discrepancies(self, open_: Sequence[Exceptional]) -> Region[Discrepancies]:
        name, day = "What does not agree", self.here.get("day")
        if not open_:
            return empty(
                name, "Everything agrees", "as far as orders were held against what was told of them."
            )
        _check_day(day)
        kind = _kind(self.here.get("kind")) if self.here.get("kind") else None
        return ready(
            name, discrepancies_of(open_, self.here, kind, _page(self.here.get("page")), self.reading)
        )

    def _money(self) -> Region[Sums]:
        last = self.correlate.reckonings.last()
        if last is None:
            return empty(
                "Money",
                "Nothing was summed yet",
                "The command 'ordertrail reconcile run' holds all orders together.",
            )
        sources = self.correlate.intake.sources
        seen = [
            one
            for one in last.totals
            if self.who.scope.tenants is None
            or (
                (source := sources.get(f"{one.system}/{one.account}"))
                and _sees(self.who.scope, source.tenant)
            )
        ]
        orders = count(last.orders, "order") if self.who.scope.tenants is None else "all orders"
        return ready("Money", Sums(self.reading.moment(last.time), orders, accounts_of(seen, self.reading)))


_NAMED: Final = {state: name for name, (_, state) in _QUEUES.items()}


def _closed(name: str) -> Region[Any]:
    return denied(name, "see what is of whole tenants", str(Verb.LINKS_READ), ("a wider scope",))


def _sees(scope: Scope, tenant: str | None) -> bool:
    """Say whether somebody may see, and decide, what is of a tenant."""
    return sees_whole_tenants(scope) and (scope.tenants is None or tenant in scope.tenants)


def _line(fact: Fact, reading: Reading) -> FactLine:
    amount = "" if fact.amount is None else reading.worth(fact.amount)
    told = f"{amount} until then" if fact.total and amount else amount
    return FactLine(fact.kind.replace("_", " "), told, reading.moment(fact.time))


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise InputError(f"{text[:40]!r} is no kind of discrepancy; there are {', '.join(Kind)}") from None


def _check_day(text: str) -> None:
    if text and not _DAY.fullmatch(text):
        raise InputError(f"{text[:40]!r} is no day; write it as 2026-11-22")


def _page(text: str) -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdecimal()) or len(text) > 6 or not int(text):
        raise InputError(f"{text[:40]!r} is no number of a page")
    return int(text)
