"""Asking a source's API: one GET or POST a page, with the source's secret, within bounds.

An answer has at most 64 MiB and comes within a minute; redirects are not followed, for they would carry the secret
elsewhere. Where a source says when to come again (Retry-After), it is not asked before, for a day at the most. A token
of OAuth 2.0 (RFC 6749: client credentials, or a refresh token) is fetched when there is none, and anew where the source
does not take it any more.
"""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import httpx

from ordertrail.intake.asking import Page
from ordertrail.intake.json_text import LARGEST
from ordertrail.kernel.backoff import asked_wait
from ordertrail.kernel.errors import LaterError, UnavailableError

TIMEOUT: Final = 60.0
"""Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class Token:
    """Where tokens are made: ``client`` is the id and the secret, ``refresh`` the refresh token where there is one."""

    url: str
    client: tuple[str, str]
    refresh: str | None = None
    scope: str | None = None
    posted: bool = False
    """Whether the client stands in what is posted, and not in a header (RFC 6749, section 2.3.1)."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What a source wants beside its secret: headers, and statuses by which it answers that something is not there.

    A header that is ``{unique}`` is another word each time.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[int] = frozenset()


class HttpAsker:
    """Implements :class:`ordertrail.intake.polling.Asker`. One thread at a time.

    ``credential`` is how the secret is said: ``bearer``, ``basic`` (``user:word``; a key alone is the user), or a
    header's name, with the word that stands before the secret where there is one (``Authorization ShippoToken``).
    """

    def __init__(
        self,
        credential: str,
        secret: str | Token | None,
        manners: Manners | None = None,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._credential, self._secret, self._manners = credential, secret, manners or Manners()
        self._client = httpx.Client(
            timeout=timeout, follow_redirects=False, headers={"Accept": "application/json"}
        )
        self._token: str | None = None

    def ask(self, address: str, body: bytes | None = None) -> Page:
        """See the port."""
        try:
            return self._asked(address, body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise UnavailableError(
                f"it did not answer: {type(error).__name__}"
            ) from None  # a text may name secrets

    def _asked(self, address: str, posted: bytes | None) -> Page:
        headers = {
            name: uuid.uuid4().hex if one == "{unique}" else one
            for name, one in self._manners.headers.items()
        }
        headers |= self._proof()
        if posted is not None:
            headers["Content-Type"] = "application/json"
        method = "GET" if posted is None else "POST"
        with self._client.stream(method, address, headers=headers, content=posted) as response:
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                self._token = None  # made anew when it is asked again
            if response.status_code not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, *self._manners.absent}:
                raise _refused(response)
            body = b""
            for piece in response.iter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise UnavailableError(f"it answered with more than {LARGEST:,} bytes")
            return Page(body, response.links.get("next", {}).get("url"))

    def _proof(self) -> dict[str, str]:
        said = self._secret
        if said is None:
            return {}
        if isinstance(said, Token):
            self._token = self._token or self._fetched(said)
            said = self._token
        match self._credential:
            case "bearer":
                return {"Authorization": f"Bearer {said}"}
            case "basic":
                pair = said if ":" in said else f"{said}:"
                return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        header, _, word = self._credential.partition(" ")
        return {header: f"{word} {said}".strip()}

    def _fetched(self, said: Token) -> str:
        form = {"grant_type": "client_credentials" if said.refresh is None else "refresh_token"}
        if said.refresh is not None:
            form["refresh_token"] = said.refresh
        if said.scope is not None:
            form["scope"] = said.scope
        if said.posted:
            form |= {"client_id": said.client[0], "client_secret": said.client[1]}
        proof = None if said.posted else httpx.BasicAuth(*said.client)
        answer = self._client.send(self._client.build_request("POST", said.url, data=form), auth=proof)
        if answer.status_code != HTTPStatus.OK:
            raise UnavailableError(f"it makes no token for us: {answer.status_code}")
        token = answer.json().get("access_token")
        if not isinstance(token, str) or not token:
            raise UnavailableError("it makes no token for us: its answer has none")
        return token


def _refused(response: httpx.Response) -> UnavailableError:
    """Say what an answer was that is none; of its text nothing is told, for nobody knows what stands there."""
    try:
        phrase = HTTPStatus(response.status_code).phrase
    except ValueError:
        phrase = "no status of HTTP"
    told = f"it answered {response.status_code} ({phrase})"
    after = asked_wait(response.headers.get("retry-after", ""), datetime.now(UTC))
    if after is None:
        return UnavailableError(told)
    return LaterError(f"{told}; it says to come again in {after.total_seconds():.0f} s", after)
