"""Receivers over HTTP: each batch is one POST, which counts as sent once it is answered with 2xx.

No redirect is followed: it could lead events, and the credential with them, elsewhere. Of an answer nothing is read but
its status and ``Retry-After``.
"""

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from ordertrail.kernel.backoff import asked_wait
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import UnavailableError

_LONGEST_WAIT: Final = 300
_MEANING: Final = "Nothing is lost: it is sent again."


@dataclass(frozen=True, slots=True)
class Body:
    """How messages become a request: the media type, and what writes them."""

    media_type: str
    write: Callable[[Sequence[str]], bytes]


class HttpDestination:
    """Implements :class:`ordertrail.exporting.ports.Destination`."""

    def __init__(
        self,
        url: str,
        body: Body,
        timeout: float,
        *,
        tls: ssl.SSLContext | bool = True,
        authorization: str | None = None,
    ) -> None:
        """``authorization`` is the value of that header."""
        headers = {"Content-Type": body.media_type, "User-Agent": "ordertrail"}
        if authorization is not None:
            headers["Authorization"] = authorization
        self._url = url
        self._body = body
        self._client = httpx.Client(
            headers=headers, timeout=timeout, verify=tls, follow_redirects=False, trust_env=False
        )
        self._not_before = 0.0

    def send(self, messages: Sequence[str]) -> None:
        """See the port. What is too large for the other side together is sent in halves."""
        left = self._not_before - time.monotonic()
        if left > 0:
            raise UnavailableError(f"{self._where} asked to wait; {left:.0f} s are left", meaning=_MEANING)
        status = self._post(messages)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and len(messages) > 1:
            middle = len(messages) // 2
            self.send(messages[:middle])
            self.send(messages[middle:])
        elif not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise UnavailableError(
                f"{self._where} answered {status}",
                meaning=_MEANING,
                remedy="Look at the receiver: whether it knows the credential, the address and the format.",
            )

    def close(self) -> None:
        """See the port."""
        self._client.close()

    def _post(self, messages: Sequence[str]) -> int:
        try:
            with self._client.stream("POST", self._url, content=self._body.write(messages)) as answer:
                wait = asked_wait(answer.headers.get("retry-after", ""), utc_now())
                if wait and answer.status_code in {
                    HTTPStatus.TOO_MANY_REQUESTS,
                    HTTPStatus.SERVICE_UNAVAILABLE,
                }:
                    self._not_before = time.monotonic() + min(wait.total_seconds(), _LONGEST_WAIT)
                return answer.status_code
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise UnavailableError(
                f"{self._where} cannot be reached: {error or type(error).__name__}", meaning=_MEANING
            ) from error

    @property
    def _where(self) -> str:
        """The address without what may be secret in it."""
        url = httpx.URL(self._url)
        return f"{url.scheme}://{url.host}{url.path}"
