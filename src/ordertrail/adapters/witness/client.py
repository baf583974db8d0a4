"""A witness that is reached over HTTP (C2SP tlog-witness, "HTTP Interface").

Nothing that a witness does keeps a log waiting or fills its memory: one deadline holds for the whole of a call,
connecting and the last byte included; an answer has at most 256 KiB, counted as they come from the network
and never unpacked; redirects are not followed, and a certificate that does not hold is no witness.
"""

import asyncio
from typing import Final
from urllib.parse import urlsplit

from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.ledger.add_checkpoint import MAX_MESSAGE_SIZE, PATH, TEXT_TYPE, Answer
from ordertrail.ledger.vkey import VerifierKey

TIMEOUT: Final = 10.0
"""Seconds for one call."""


class HttpWitnessClient:
    """Implements :class:`ordertrail.ledger.ports.WitnessClient` for the submission prefix ``url``."""

    def __init__(self, name: str, key: VerifierKey, url: str, *, timeout: float = TIMEOUT) -> None:
        self.name = name
        self.key = key
        self._url = f"{_require_url(name, url).rstrip('/')}{PATH}"
        self._timeout = timeout

    def add_checkpoint(self, request: bytes) -> Answer:
        """See the port."""
        # A loop of its own for each call: only a cancelled call bounds all of it, headers that drip included.
        return asyncio.run(self._within_time(request))

    async def _within_time(self, request: bytes) -> Answer:
        import httpx  # noqa: PLC0415 - needed by those only who have witnesses

        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(timeout=None, follow_redirects=False) as client,  # noqa: S113 - the line above
                client.stream(
                    "POST",
                    self._url,
                    content=request,
                    headers={"Content-Type": TEXT_TYPE, "Accept-Encoding": "identity"},
                ) as response,
            ):
                body = b""
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MAX_MESSAGE_SIZE:
                        raise self._unavailable(f"it answered with more than {MAX_MESSAGE_SIZE:,} bytes")
                return Answer(response.status_code, body, response.headers.get("content-type", ""))
        except TimeoutError:
            raise self._unavailable(f"it did not answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._unavailable(str(error) or type(error).__name__) from error

    def _unavailable(self, reason: str) -> UnavailableError:
        return UnavailableError(
            f"{self._url}: {reason}",
            meaning="This checkpoint is not cosigned by it; the log, its proofs and other cosignatures stand.",
            remedy="Nothing needs to be repaired: it is asked again with the next checkpoint.",
        )


def _require_url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise ConfigurationError(
            f"the URL of witness {name}, {url!r}, is not one",
            meaning="No checkpoint can be sent to it.",
            remedy="Give the witness its submission prefix in the policy, such as https://witness.example/w1.",
        )
    return url
