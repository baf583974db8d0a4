"""Deliveries of providers for tests, and what they tell."""

import json
from collections.abc import Mapping
from typing import Any

from ordertrail.correlate.facts import Fact
from ordertrail.correlate.observation import Facts, Observation
from ordertrail.correlate.provider import open_provider
from ordertrail.intake.delivery import Delivery, Source, Way

RECEIVED = "2026-11-22T14:00:00.000000Z"


def delivery(
    provider: str,
    body: bytes | Mapping[str, Any] | list[Any],
    *,
    currency: str | None = None,
    options: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Delivery:
    """Return a delivery of a provider's account ``main``."""
    source = Source(provider, "main", currency=currency, options=options or {})
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(source, raw, RECEIVED, Way.WEBHOOK, headers or {})


def observe(provider: str, body: bytes | Mapping[str, Any] | list[Any], **more: Any) -> list[Observation]:
    """Return all that a delivery tells."""
    return list(open_provider(provider).read(delivery(provider, body, **more)))


def facts(provider: str, body: bytes | Mapping[str, Any] | list[Any], **more: Any) -> list[Fact]:
    """Return the facts of a delivery that tells nothing else."""
    found: list[Fact] = []
    for one in observe(provider, body, **more):
        assert isinstance(one.content, Facts), one
        found += one.content.facts
    return found


def brief(fact: Fact) -> tuple[str, str, str, int | None]:
    """Return what matters of a fact: what, of what, its id, how much."""
    return str(fact.kind), fact.thing, fact.id, None if fact.amount is None else fact.amount.amount
