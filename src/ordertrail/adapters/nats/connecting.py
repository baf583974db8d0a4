"""Connecting to the bus, and asking JetStream's API.

A connection that breaks is made again, with any of the servers that are named and those that they name, for as long
as that takes. The inbox bears the user's name, so that an account can allow each user its own and no other's.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from ordertrail.kernel.errors import ConfigurationError, UnavailableError

_ANSWER = 5.0
"""Seconds to wait for an answer of the API: longer than the election of a leader takes."""

_NO_STREAM = 10059
_NO_CONSUMER = 10014

_log = logging.getLogger("ordertrail.bus")


@dataclass(frozen=True, slots=True)
class BusAddress:
    """Where the bus answers, and as whom we come: a user with a password, or a file of credentials (.creds)."""

    urls: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials: str | None = None

    @property
    def inbox(self) -> str:
        """What our replies' subjects begin with."""
        return f"_INBOX_{self.user}" if self.user else "_INBOX"

    def __str__(self) -> str:
        return ", ".join(self.urls)


async def connect(address: BusAddress, name: str) -> Client:
    """Connect. Raises UnavailableError where no server can be reached, or none lets us in."""
    options: dict[str, Any] = {"reconnect_time_wait": 0.2}
    if address.user is not None:
        options |= {"user": address.user, "password": address.password or ""}
    if address.credentials is not None:
        options["user_credentials"] = address.credentials
    # The first attempt ends soon: whoever called tells it, and tries again. Later ones go on by themselves.
    client = Client()
    try:
        async with asyncio.timeout(_ANSWER):
            await client.connect(
                servers=list(address.urls),
                name=name,
                inbox_prefix=address.inbox,
                error_cb=_say,
                connect_timeout=2,
                max_reconnect_attempts=-1,
                **options,
            )
    except (OSError, NatsError, TimeoutError) as error:
        await client.close()
        raise UnavailableError(
            f"the bus {address} cannot be reached: {error or 'no server answers'}",
            meaning="Nothing is lost: what was captured waits in the outbox.",
        ) from error
    return client


async def ask(client: Client, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask JetStream's API, without its prefix ``$JS.API.``; return the answer.

    Raises ConfigurationError where what is asked about is not there; UnavailableError where there is no answer, or
    another error.
    """
    payload = msgspec.json.encode(body) if body else b""
    try:
        answer = await client.request(f"$JS.API.{what}", payload, timeout=_ANSWER)
        told: dict[str, Any] = msgspec.json.decode(answer.data)
    except (OSError, NatsError, msgspec.DecodeError) as error:
        raise UnavailableError(f"the bus does not answer {what}: {error or 'in time'}") from error
    wrong = told.get("error")
    if wrong is None:
        return told
    message = f"the bus answers {what}: {wrong.get('description')}"
    if wrong.get("err_code") in {_NO_STREAM, _NO_CONSUMER}:
        raise ConfigurationError(
            message,
            meaning="Nothing was sent or taken; what was captured waits in the outbox.",
            remedy="Let the bus's operator make the stream and its consumer, as docs/decisions/0036-bus.md says.",
        )
    raise UnavailableError(message)


async def _say(error: Exception) -> None:
    _log.warning("the bus: %s", error or type(error).__name__)
