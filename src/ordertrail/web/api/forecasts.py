"""``/forecasts``: open orders at risk, how probable a breach is and why, and what could be done."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.monitor.forecast.forecast import Forecast
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.document import moment
from ordertrail.web.api.models.forecasts import (
    ForecastDocument,
    ForecastsDocument,
    ReasonDocument,
    RemedyDocument,
    RiskDocument,
)
from ordertrail.web.api.problems import ProblemRoute, problem_responses, unknown

router = APIRouter(prefix="/forecasts", tags=["forecasts"], route_class=ProblemRoute)

_MOST: Final = 1_000
_SECOND: Final = 1_000_000

Watching = Annotated[Asking, asking(Verb.ALERTS_READ)]


@router.get(
    "",
    summary="Open orders at risk",
    response_model=ForecastsDocument,
    responses=problem_responses(),
)
def forecasts(
    asked: Watching,
    target: Annotated[
        str, Query(max_length=64, description="Of one target only.", examples=["cancelled"])
    ] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST, description="Forecasts that are told.", examples=[50])] = 200,
) -> Response:
    """Return the newest forecast of each open order at risk, the most probable breach first."""
    asked.require_whole_tenants()
    actions = asked.request.app.state.services.actions
    if actions is None:
        raise unknown("forecast: this service foresees nothing")
    told = actions.at_risk(asked.who.scope.tenants, limit, target or None)
    asked.observe("evidence.read", "forecast", target or "all", details=(("forecasts", len(told)),))
    return answer(asked.request, ForecastsDocument(forecasts=tuple(map(_document, told))))


def _document(one: Forecast) -> ForecastDocument:
    return ForecastDocument(
        order=one.order,
        tenant=one.tenant,
        target=one.target,
        model=one.model,
        at=moment(one.at),
        until=moment(one.at + one.horizon),
        probability=one.probability,
        curve=tuple(
            RiskDocument(seconds=risk.within // _SECOND, probability=risk.probability) for risk in one.curve
        ),
        verdict=one.verdict.value,
        moved_by=one.last,
        reasons=tuple(
            ReasonDocument(
                sentence=reason.sentence, weight=reason.weight, events=reason.events, change=reason.change
            )
            for reason in one.reasons
        ),
        remedies=tuple(
            RemedyDocument(action=remedy.action, probability=remedy.probability, sentence=remedy.sentence)
            for remedy in one.remedies
        ),
    )
