"""An application's line on the bus: its stream, what must be true of it, and what is said over it.

::

    ordertrail-shop          the stream of the application shop: one publisher at a time, one taker
    ordertrail.shop          its one subject
    ordertrail-told.shop     where the ledger's side tells what became of each event; no stream keeps it
    ledger                   the durable consumer by which the bus remembers how far the ledger has taken

One stream is one application's, so that its relay alone moves the stream's sequence, and can say of each message
which one it must follow (``Nats-Expected-Last-Sequence``). A message is one event; ``Nats-Msg-Id`` is the event's id,
``Ordertrail-After`` the id of the event that must be settled before it. The stream is a work queue: what it holds
nobody has taken yet, and what it does not hold was taken, or is lost.

Streams and consumers are made by the bus's operator, from :func:`stream_config` and :func:`consumer_config`; an
application and the ledger have no right to. Both look whether what is there is what must be: a stream that drops
messages by itself is refused.

JetStream's wire protocol: https://docs.nats.io/reference/reference-protocols/nats_api_reference.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ordertrail.kernel.errors import ConfigurationError

CONSUMER: Final = "ledger"
"""The durable consumer of each line."""

AFTER: Final = "Ordertrail-After"
"""The header that names the event before."""

MESSAGE_ID: Final = "Nats-Msg-Id"
EXPECTED: Final = "Nats-Expected-Last-Sequence"

WINDOW: Final = 120
"""Seconds for which the bus knows a message again."""

IN_HAND: Final = 2_000
"""Messages that may be taken and not acknowledged; more than one batch, so that the bus need not wait for us."""

_NANO: Final = 1_000_000_000

_STREAM: Final[Mapping[str, object]] = {
    "retention": "workqueue",
    "storage": "file",
    "discard": "new",
    "deny_delete": True,
    "deny_purge": True,
}
"""What a line's stream says of itself, whatever else it says."""

_HARMLESS: Final[dict[str, tuple[object, ...]]] = {
    "max_age": (0,),
    "max_msgs_per_subject": (-1, 0),
    "allow_rollup_hdrs": (False,),
    "allow_msg_ttl": (False,),
    "no_ack": (False,),
    "sealed": (False,),
    "mirror": (None,),
    "sources": (None, []),
    "subject_transform": (None,),
    "persist_mode": ("", "default"),
}
"""What would let a message be destroyed, or acknowledged before it is kept, unless it says one of these."""

_CONSUMER: Final[Mapping[str, tuple[object, ...]]] = {
    "ack_policy": ("explicit",),
    "deliver_policy": ("all",),
    "max_deliver": (-1, 0),
    "filter_subject": ("",),
    "filter_subjects": (None, []),
    "inactive_threshold": (0,),
}


class Outcome(StrEnum):
    """What became of an event at the ledger's side."""

    RECORDED = "recorded"
    """It is durable in the journal, now or since an earlier delivery."""
    REFUSED = "refused"
    """The trail refuses it, for reasons that are told with it."""
    AGAIN = "again"
    """It came without what goes before it, and must be sent again."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What the ledger's side says of one event: its id, the SHA-256 (hex) of the message's bytes, what became of it.

    ``problems`` are pairs of path and message. The digest is there because an id alone does not say what was recorded
    under it.
    """

    id: str
    digest: str
    outcome: Outcome
    problems: tuple[tuple[str, str], ...] = ()


def stream_name(application: str) -> str:
    """Return the name of an application's stream."""
    return f"ordertrail-{application}"


def subject(application: str) -> str:
    """Return the subject that an application publishes to."""
    return f"ordertrail.{application}"


def told_subject(application: str) -> str:
    """Return the subject on which an application hears what became of its events."""
    return f"ordertrail-told.{application}"


def stream_config(application: str, replicas: int) -> dict[str, Any]:
    """Return the configuration of an application's stream, as JetStream's API and ``nats stream add`` take it."""
    return {
        "name": stream_name(application),
        "subjects": [subject(application)],
        "num_replicas": replicas,
        "duplicate_window": WINDOW * _NANO,
        **_STREAM,
    }


def consumer_config(ack_wait: float = 30.0) -> dict[str, Any]:
    """Return the configuration of a line's consumer; ``ack_wait`` in seconds."""
    return {
        "durable_name": CONSUMER,
        "name": CONSUMER,
        "ack_policy": "explicit",
        "deliver_policy": "all",
        "max_deliver": -1,
        "ack_wait": int(ack_wait * _NANO),
        "max_ack_pending": IN_HAND,
    }


def require_stream(application: str, config: Mapping[str, Any], replicas: int) -> None:
    """Raise ConfigurationError where a stream's configuration lets it lose what it acknowledged."""
    problems = list(_stream_problems(application, config, replicas))
    if problems:
        raise ConfigurationError(
            f"the stream {stream_name(application)} of the bus is not as it must be: {'; '.join(problems)}",
            meaning="Nothing was sent or taken: it could lose what it acknowledged. What was captured waits in the "
            "outbox.",
            remedy="Let the bus's operator set what is named, and find out who changed it.",
        )


def require_consumer(application: str, config: Mapping[str, Any]) -> None:
    """Raise ConfigurationError where a line's consumer would give a message up before it is recorded."""
    problems = list(_differences(config, _CONSUMER))
    if problems:
        raise ConfigurationError(
            f"the consumer {CONSUMER} of {stream_name(application)} is not as it must be: {'; '.join(problems)}",
            meaning="Nothing was taken from the bus; what was captured waits in the outbox.",
            remedy="Let the bus's operator make it anew, as docs/decisions/0036-bus.md says.",
        )


def _stream_problems(application: str, config: Mapping[str, Any], replicas: int) -> Iterator[str]:
    wanted: dict[str, tuple[object, ...]] = {name: (value,) for name, value in _STREAM.items()}
    wanted["subjects"] = ([subject(application)],)
    yield from _differences(config, wanted | _HARMLESS)
    held = config.get("num_replicas", 1)
    if held < replicas:
        yield f"num_replicas is {held}, and must be {replicas} at least"
    if config.get("duplicate_window", 0) < _NANO:
        yield "duplicate_window is below a second"


def _differences(config: Mapping[str, Any], wanted: Mapping[str, tuple[object, ...]]) -> Iterator[str]:
    for name, good in wanted.items():
        value = config.get(name, _absent(good[0]))
        if value not in good:
            yield f"{name} is {value!r}, and must be {good[0]!r}"


def _absent(good: object) -> object:
    """Return what a setting that is left out says: JetStream leaves out what is false, zero or empty."""
    return {bool: False, int: 0, str: ""}.get(type(good))
