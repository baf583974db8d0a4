"""All pages as one router; where two addresses would do, the first one answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from ordertrail.web.pages import (
    accounts,
    actions,
    alerts,
    assets,
    cases,
    duties,
    erasure,
    event,
    explore,
    exports,
    finding,
    forecast,
    intake,
    integrity,
    letter,
    matching,
    models,
    notifications,
    order,
    orders,
    overview,
    patterns,
    people,
    person,
    reconstruction,
    reference,
    retention,
    rules,
    settings,
    views,
)
from ordertrail.web.pages.access import render_access
from ordertrail.web.takeout import maker_of

router = APIRouter(include_in_schema=False)
for _page in (
    assets, overview, explore, exports, event, orders, order, people, person, duties, intake, letter, integrity, alerts,
    forecast, actions, models, matching, cases, retention, erasure, rules, settings, accounts, notifications, views,
    reference, patterns, finding, reconstruction,
):  # fmt: skip
    router.include_router(_page.router)


def install(app: FastAPI) -> None:
    """Have an application show its pages of signing in as all pages are, and make the exports that wait."""
    app.state.render_access = render_access
    app.state.takeouts = getattr(app.state.services, "takeouts", None)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[Any]:
        maker = maker_of(served)
        if maker is not None:
            maker.ring()
        try:
            async with inner(served) as state:
                yield state
        finally:
            if maker is not None:
                await run_in_threadpool(maker.stop)

    app.router.lifespan_context = lifespan
