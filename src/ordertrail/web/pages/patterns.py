"""The pattern page: every component in every state, with values as long, as odd and as many as they come."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.verify.report import Step
from ordertrail.query.feeding import Lag
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Actor, Change, Context, Event, Outcome, Subject
from ordertrail.web.auth.admission import admit
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.proving import Outcome as StepOutcome
from ordertrail.web.pages.proving import StepShown
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, Way, broken, denied, empty, filtered, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import Links
from ordertrail.web.pages.shell import Seal, Standing, reading_for
from ordertrail.web.pages.telling import Piece, Row, rows_of, told

_LONG: Final = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_RIGHT_TO_LEFT: Final = "شركة الأمل للتجارة"
_WAITING: Final = "waiting"
_EMOJI: Final = "Zoë 🧑🏽‍🚒 Ångström"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence with what it shows of itself."""

    title: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PatternsPage:
    """What the page shows."""

    seals: tuple[Standing, ...]
    chips: tuple[Seal, ...]
    regions: tuple[Region[str], ...]
    sentences: tuple[Sample, ...]
    rows: tuple[Row, ...]
    steps: tuple[StepShown, ...]
    links: Links
    at: Moment


@router.get("/-/patterns", include_in_schema=False)
def patterns(request: Request, who: Annotated[Principal, Depends(admit(Verb.STATUS_READ))]) -> Response:
    """Show every component in every state."""
    if request.query_params.get("region") == _WAITING:
        return Response(status_code=204)  # what is loading stays so
    return render(request, who, View("patterns.html", "Patterns"), patterns_page(reading_for(request)))


def patterns_page(reading: Reading) -> PatternsPage:
    """Return the page's values."""
    at = reading.moment(reading.now)
    return PatternsPage(
        seals=tuple(Standing),
        chips=tuple(Seal(one, f"Sealed up to {at.clock} {at.zone}", at, 0) for one in Standing),
        regions=_regions(),
        sentences=tuple(Sample(name, told(event, CATALOGUE, reading)) for name, event in _events()),
        rows=rows_of(_changes(), None, reading),
        steps=_steps(),
        links=Links("#newer", "#older", "50 events"),
        at=at,
    )


def _regions() -> tuple[Region[str], ...]:
    torn = EvidenceError("entry 1,204 does not hash to its leaf")
    away = UnavailableError("the index cannot be reached")
    ways = (Way("Without “channel:web”", "#"), Way("Remove the whole filter", "#"))
    return (
        ready("Ready", "Content stands here."),
        ready("Stale", "Content stands here, and is older than the log.", Lag(3, 12.4), "#again"),
        empty(
            "Empty, first",
            "Nothing has been recorded yet",
            "Events show here as soon as they are sealed.",
            ways[:1],
        ),
        filtered("Empty, filtered", "No event is among: events in channel web, by nobody", ways),
        broken("Error", away, "#again"),
        broken("Broken evidence", torn),
        denied("Denied", "see what people did", "activity.read", ("auditor", "alert-triager")),
        loading("Loading", f"/-/patterns?region={_WAITING}"),
    )


def _steps() -> tuple[StepShown, ...]:
    outcomes = (StepOutcome.PASSED, StepOutcome.FAILED, StepOutcome.OPEN)
    return tuple(
        StepShown(
            step.number,
            step.label,
            step.promise,
            outcomes[place % 3],
            f"What was found: {outcomes[place % 3]}.",
        )
        for place, step in enumerate(Step)
    )


def _events() -> tuple[tuple[str, Event], ...]:
    def event(
        actor: str, *changes: Change, outcome: Outcome = "success", reason: str = "", order: str = "SO-1042"
    ) -> Event:
        return Event(
            id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
            time="2026-11-22T14:02:10.120000Z",
            action="order.price.change",
            outcome=outcome,
            actor=Actor(actor, "person"),
            subject=Subject("order_line", f"{order}/2", order),
            changes=changes,
            context=Context(reason=reason or None),
        )

    price = Change("/lines/2/unit_price", _euro(12_000), _euro(7_200))
    return (
        ("A price", event("clerk-17", price, reason="customer called")),
        ("An attempt", event("clerk-17", price, outcome="denied")),
        ("Zero and below", event("finance", Change("/total", _euro(0), _euro(-7_205)))),
        ("A long name", event(_LONG, price, order=_LONG)),
        (
            "From right to left",
            event(_RIGHT_TO_LEFT, Change("/customer/name", None, _RIGHT_TO_LEFT), reason=_RIGHT_TO_LEFT),
        ),
        ("Emoji", event(_EMOJI, price, reason=_EMOJI)),
        ("Many changes", event("import", *_changes())),
    )


def _changes() -> tuple[Change, ...]:
    return (
        Change("/lines/2/unit_price", _euro(12_000), _euro(7_200)),
        Change("/lines/2/quantity", 3, 1_200_000),
        Change("/note", after=_LONG * 3),
        Change(
            "/customer/name", {"sealed": {"person": "p-1", "box": "…", "commitment": "…"}}, _RIGHT_TO_LEFT
        ),
        Change("/document", {"blob": {"sha256": "ab" * 32, "length": 1_204_332}}),
        Change("/gift", before=None, after=True),
        Change("/address", {"city": "Zürich", "lines": ["Bahnhofstrasse 1", "3. Stock"]}, None),
    )


def _euro(amount: int) -> dict[str, int | str]:
    return {"amount": amount, "currency": "EUR"}
