"""A claimed delivery, read: its messages by their numbers, and what stops the reading, told as faults.

A channel is pure, so the n-th message of the same bytes is the same each time: a worker that takes up where another
stopped counts to where that one came.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import msgspec

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channel import Channel
from ordertrail.intake.delivery import Delivery, Source
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Content, Faulty, Message
from ordertrail.intake.ports import Bodies, Claim, Waiting
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError
from ordertrail.orders.model import Order

_decode_order = msgspec.json.Decoder(Order).decode
_decode_amendment = msgspec.json.Decoder(Amendment).decode
_ORDER, _AMENDMENT = b"order ", b"amendment "


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a claim. ``waiting`` where it was taken up again by itself.

    ``whole``: it stands for the rest of a delivery that cannot be read any further.
    """

    claim: Claim
    number: int
    message: Message
    waiting: Waiting | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A delivery was read to its end: so many messages."""

    claim: Claim
    messages: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads claimed deliveries. ``sources`` are those that are configured, by ``channel/account``."""

    sources: Mapping[str, Source]
    bodies: Bodies
    channel: Callable[[str], Channel]

    def items(self, claim: Claim) -> Iterator[Item | End]:
        """Yield what of a claim is not settled yet, and its end.

        Raises UnavailableError where its bytes cannot be reached now. All else that goes wrong is an item.
        """
        number = claim.progress
        try:
            with self._messages(claim) as messages:
                for message in islice(messages, claim.progress, None):
                    yield Item(claim, number, message)
                    number += 1
        except FaultyError as error:
            yield _stopped(claim, number, *error.faults)
            number += 1
        except ConfigurationError as error:
            yield _stopped(claim, number, Fault(Code.FAILED, "", f"{error.message}; {error.remedy}"))
            number += 1
        except OrderTrailError:
            raise
        except Exception as error:  # noqa: BLE001 - a channel's own fault ends one delivery, and no worker
            yield _stopped(claim, number, failure("reading it", error))
            number += 1
        yield End(claim, number)

    def item(self, waiting: Waiting) -> Item:
        """Return a message that waits, from what is kept of it or from its delivery's bytes.

        Raises UnavailableError where these cannot be reached now.
        """
        claim, number = waiting.claim, waiting.number
        if waiting.content is not None:
            return Item(claim, number, Message("", content_of(waiting.content)), waiting)
        found: Message | None = None
        try:
            with self._messages(claim) as messages:
                found = next(islice(messages, number, None), None)
        except FaultyError as error:
            found = Message("", Faulty(error.faults))
        except ConfigurationError as error:
            found = Message("", Faulty((Fault(Code.FAILED, "", f"{error.message}; {error.remedy}"),)))
        except OrderTrailError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            found = Message("", Faulty((failure("reading it", error),)))
        if found is None:
            gone = f"the bytes have no message {number} any more; they were mended to say less"
            found = Message("", Faulty((Fault(Code.MISSING, "", gone),)))
        return Item(claim, number, found, waiting)

    @contextmanager
    def _messages(self, claim: Claim) -> Iterator[Iterator[Message]]:
        source = self.sources.get(claim.source)
        if source is None:
            raise ConfigurationError(
                f"there is no source {claim.source}",
                remedy="Name it in [[sources]] of trail.toml, and give its deliveries back.",
            )
        channel = self.channel(source.channel)
        if claim.body is not None:
            yield iter(channel.read(_delivery(claim, source, claim.body)))
            return
        with self.bodies.open(claim.fix or claim.sha256) as body:
            yield iter(channel.read(_delivery(claim, source, body)))


def failure(doing: str, error: Exception) -> Fault:
    """Return a fault of our own: its kind and its place in the code, and nothing of the data."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__', '?')}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return Fault(Code.FAILED, "", f"{doing} failed with {type(error).__name__} in {place}")


def kept_content(content: Content) -> bytes | None:
    """Return the bytes from which :func:`content_of` makes an order or an amendment again; None for what is neither."""
    match content:
        case Order():
            return _ORDER + msgspec.json.encode(content)
        case Amendment():
            return _AMENDMENT + msgspec.json.encode(content)
    return None


def content_of(kept: bytes) -> Content:
    """Return an order or an amendment from what was kept of it."""
    if kept.startswith(_ORDER):
        return _decode_order(kept.removeprefix(_ORDER))
    return _decode_amendment(kept.removeprefix(_AMENDMENT))


def _delivery(claim: Claim, source: Source, body: bytes) -> Delivery:
    return Delivery(source, body, claim.received, claim.way, claim.headers, claim.name)


def _stopped(claim: Claim, number: int, *faults: Fault) -> Item:
    return Item(claim, number, Message("", Faulty(faults)), whole=True)
