"""The newest forecast of each order and target at risk, in the database of watching."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import and_, delete, select

from ordertrail.adapters.monitor.tables import forecasts
from ordertrail.adapters.state import StateDatabase
from ordertrail.monitor.forecast.forecast import Forecast

_forecast = msgspec.json.Decoder(Forecast).decode
_encode = msgspec.json.Encoder().encode


class SqlBoard:
    """Implements :class:`ordertrail.monitor.actions.ports.Board`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def put(self, risky: Sequence[Forecast], safe: Sequence[Forecast]) -> None:
        """See the port. Of two forecasts of one order and target, that of the later event stays."""
        if not risky and not safe:
            return
        with self._database.writing() as connection:
            for one in safe:
                key = and_(
                    forecasts.c.tenant == (one.tenant or ""),
                    forecasts.c.order == one.order,
                    forecasts.c.target == one.target,
                )
                connection.execute(delete(forecasts).where(key, forecasts.c.at <= one.at))
            newest = max(one.at for one in (*risky, *safe))
            connection.execute(
                delete(forecasts).where(forecasts.c.ends < newest)
            )  # nobody is shown those any more
            if risky:
                added = self._database.upsert(forecasts)
                newer = {name: added.excluded[name] for name in ("probability", "at", "ends", "forecast")}
                columns = [forecasts.c.tenant, forecasts.c.order, forecasts.c.target]
                kept = added.on_conflict_do_update(
                    index_elements=columns, set_=newer, where=added.excluded["at"] >= forecasts.c.at
                )
                connection.execute(kept, [_row(one) for one in risky])

    def riskiest(
        self, now: int, tenants: frozenset[str] | None, limit: int, target: str | None = None
    ) -> Sequence[Forecast]:
        """See the port."""
        wanted = select(forecasts.c.forecast).where(forecasts.c.ends >= now)
        if tenants is not None:
            wanted = wanted.where(forecasts.c.tenant.in_(sorted(tenants)))
        if target is not None:
            wanted = wanted.where(forecasts.c.target == target)
        ranked = wanted.order_by(forecasts.c.probability.desc(), forecasts.c.order, forecasts.c.target)
        with self._database.reading() as connection:
            return [_forecast(text) for text in connection.scalars(ranked.limit(limit))]


def _row(one: Forecast) -> dict[str, Any]:
    return {
        "tenant": one.tenant or "",
        "order": one.order,
        "target": one.target,
        "probability": one.millionths,
        "at": one.at,
        "ends": one.at + one.horizon,
        "forecast": _encode(one).decode(),
    }
