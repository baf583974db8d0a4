"""A web application that does not know about us: FastAPI over asyncio SQLAlchemy, captured by two lines."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI
from sqlalchemy import Engine, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from capture.conftest import captured
from capture.shop import (
    Base,
    Line,
    Order,
    changed_rows,
    enforce_references,
    events_of,
    install_oracle,
    recorded_rows,
)
from capture.test_matrix import ASYNC
from ordertrail.capture.asgi import CaptureMiddleware

REQUESTS = 40


def application(sessions: Any) -> FastAPI:
    """The application."""
    app = FastAPI()

    async def session() -> Any:
        async with sessions() as one:
            yield one

    session_of_request = Annotated[AsyncSession, Depends(session)]

    @app.post("/orders")
    async def new_order(session: session_of_request) -> int:
        order = Order(status="new", lines=[Line(sku="a", quantity=1, unit_price=Decimal(2))])
        session.add(order)
        await session.commit()
        return order.id

    @app.put("/orders/{number}/{quantity}")
    async def change(number: int, quantity: int, session: session_of_request) -> None:
        line = (await session.scalars(select(Line).where(Line.order_id == number))).one()
        line.quantity = quantity
        await session.execute(update(Order).where(Order.id == number).values(note=f"{quantity}"))
        await session.commit()

    return app


def test_concurrent_requests_are_recorded_each_under_its_user(
    database_url: str, bare_engine: Engine, observer: Engine
) -> None:
    """Forty requests at once: every row that changed, each by the user and from the address that asked for it."""
    Base.metadata.create_all(bare_engine)
    with observer.begin() as connection:
        install_oracle(connection)
    scheme, _, rest = database_url.partition("://")
    options = {"connect_args": {"timeout": 30}} if "sqlite" in scheme else {"pool_size": 10}
    engine = captured(create_async_engine(f"{ASYNC[scheme]}://{rest}", **options))
    enforce_references(engine.sync_engine)
    app = application(async_sessionmaker(engine, expire_on_commit=False))
    middleware = CaptureMiddleware(
        app, user=lambda scope: dict(scope["headers"])[b"x-user"].decode(), trusted_proxies=["127.0.0.1"]
    )

    async def work() -> None:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:

            async def one(number: int) -> None:
                headers = {"x-user": f"user-{number}", "x-forwarded-for": f"6.6.6.6, 203.0.113.{number}"}
                made = await client.post("/orders", headers=headers)
                await client.put(f"/orders/{made.json()}/{number + 2}", headers=headers)

            await asyncio.gather(*map(one, range(REQUESTS)))
        await engine.dispose()

    asyncio.run(work())
    with observer.connect() as connection:
        events, seen = events_of(connection), changed_rows(connection)
    assert len(events) == 4 * REQUESTS
    told = recorded_rows(events)
    assert Counter((one.table, one.op, one.before, one.after) for one in told) == Counter(
        (one.table, one.op, one.before, one.after) for one in seen
    )
    users = {(event.subject.order, event.actor.id, event.context.ip) for event in events if event.context}
    assert len(users) == REQUESTS
    for _, user, address in users:
        assert str(address) == f"203.0.113.{user.removeprefix('user-')}"
