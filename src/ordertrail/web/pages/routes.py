"""All pages as one router; where two addresses would do, the first one answers."""

from fastapi import APIRouter, FastAPI

from ordertrail.web.pages import (
    accounts,
    actions,
    alerts,
    assets,
    cases,
    erasure,
    event,
    explore,
    finding,
    forecast,
    intake,
    integrity,
    matching,
    models,
    notifications,
    order,
    orders,
    overview,
    patterns,
    people,
    reference,
    retention,
    rules,
    settings,
    views,
)
from ordertrail.web.pages.access import render_access

router = APIRouter(include_in_schema=False)
for _page in (
    assets, overview, explore, event, orders, order, people, intake, integrity, alerts, forecast, actions, models,
    matching, cases, retention, erasure, rules, settings, accounts, notifications, views, reference, patterns, finding,
):  # fmt: skip
    router.include_router(_page.router)


def install(app: FastAPI) -> None:
    """Have an application show its pages of signing in as all pages are."""
    app.state.render_access = render_access
