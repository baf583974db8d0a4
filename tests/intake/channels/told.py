"""What channels tell of samples, in a word each, for tables that show every change."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channel import open_channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.orders.model import Order
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

RECEIVED = "2026-11-23T12:00:00.000000Z"


def samples(name: str) -> list[Path]:
    """Return all samples of a source."""
    return sorted(path for path in shared(f"samples/{name}").iterdir() if path.is_file())


def delivery(name: str, body: bytes | Any, *, currency: str | None = None, **headers: str) -> Delivery:
    """Return a delivery of a channel's; what is no bytes is written as JSON, and ``x_topic`` is the header X-Topic."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Delivery(Source(name, "main", currency=currency), data, RECEIVED, Way.WEBHOOK, named)


def read(name: str, body: bytes | Any, *, currency: str | None = None, **headers: str) -> tuple[Message, ...]:
    """Return what a channel tells of a delivery, checked as intake relies on it."""
    return check_channel(open_channel(name), delivery(name, body, currency=currency, **headers))


def one(name: str, body: bytes | Any, *, currency: str | None = None, **headers: str) -> Any:
    """Return the content of the only message that a channel tells."""
    (message,) = read(name, body, currency=currency, **headers)
    return message.content


def words(messages: tuple[Message, ...]) -> list[str]:
    """Return each message in a few words, what follows on its like left out."""
    found = [_word(message.content) for message in messages]
    return [word for place, word in enumerate(found) if place == 0 or word != found[place - 1]]


def _word(content: Any) -> str:
    match content:
        case Order():
            sums = "balanced" if reconcile(content).balanced else ", ".join(_off(content))
            return f"order {content.status} {sums}"
        case Amendment():
            return f"amendment {' '.join(_changed(content))}".strip()
        case Foreign():
            return f"foreign {content.kind}"
        case Faulty():
            causes = dict.fromkeys(fault.cause for fault in content.faults)
            return f"faulty {', '.join(list(causes)[:1])}"
    raise AssertionError(content)


def _off(order: Order) -> Iterator[str]:
    for check in reconcile(order).differences:
        yield f"{check.path.removeprefix('totals.')} {check.difference.amount:+d}"


def _changed(amendment: Amendment) -> Iterator[str]:
    known = {"order", "channel", "account", "version", "extensions"}
    return (name for name in amendment.__struct_fields__ if name not in known and getattr(amendment, name))


def faults(name: str, body: bytes | Any) -> list[str]:
    """Return all faults of a delivery that is faulty as a whole or in its only message."""
    try:
        (message,) = open_channel(name).read(delivery(name, body))
    except FaultyError as error:
        return [str(fault) for fault in error.faults]
    assert isinstance(message.content, Faulty), message.content
    return [str(fault) for fault in message.content.faults]
