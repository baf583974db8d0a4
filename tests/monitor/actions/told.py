"""Forecasts and catalogues that the tests of corrective actions share."""

from ordertrail.monitor.actions.catalogue import ActionCatalogue, read_catalogue, shipped_actions
from ordertrail.monitor.forecast.forecast import Basis, Forecast, Outcome, Reason, Remedy, Risk

LAST = "01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69"
AT = 1_795_392_000_000_000
"""2026-11-23T00:00:00Z."""
DAY = 86_400_000_000

FILE = """
currency = "EUR"

["hold order"]
cost = 500
to = "oms"
benefit = {cancelled = 10000}

["open case"]
cost = 2000
benefit = {cancelled = 10000}

["call customer"]
title = "Call the customer"
operation = "webhook"
to = "oms"
cost = 100
benefit = {cancelled = 10000}
averts = {cancelled = 10}
"""


def catalogue(text: str = FILE) -> ActionCatalogue:
    """Return the shipped actions with what an organisation says of them."""
    return read_catalogue(text, shipped_actions())


def forecast(
    order: str = "SO-1",
    probability: float = 0.8,
    *,
    outcomes: frozenset[Outcome] = frozenset({Outcome.BREACH}),
    remedies: dict[str, float] | None = None,
) -> Forecast:
    """Return a forecast of a cancellation."""
    after = {"hold order": 0.3, "open case": 0.2} if remedies is None else remedies
    return Forecast(
        order=order,
        tenant=None,
        target="cancelled",
        model="ab" * 32,
        basis=Basis.MODEL,
        at=AT,
        horizon=30 * DAY,
        probability=probability,
        curve=(Risk(30 * DAY, probability),),
        outcomes=outcomes,
        last=LAST,
        reasons=(Reason("count action=item.stockout", "Two reports of missing stock so far.", 1.2, (LAST,)),),
        remedies=tuple(Remedy(name, value, f"{name} lowers it") for name, value in after.items()),
    )
