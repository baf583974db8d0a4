"""Asking a source's API: one GET a page, with the source's secret, within bounds.

An answer has at most 64 MiB and comes within a minute; redirects are not followed, for they would carry the secret
elsewhere. Where a source says when to come again (Retry-After), the reason says so; whoever asks backs off anyway.
A token of OAuth 2.0 (RFC 6749: client credentials, or a refresh token) is fetched when there is none, and anew
where the source does not take it any more.
"""

import base64
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from ordertrail.intake.asking import Page
from ordertrail.intake.json_text import LARGEST
from ordertrail.kernel.errors import UnavailableError

TIMEOUT: Final = 60.0
"""Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class Token:
    """Where tokens are made: ``client`` is the id and the secret, ``refresh`` the refresh token where there is one."""

    url: str
    client: tuple[str, str]
    refresh: str | None = None
    scope: str | None = None


class HttpAsker:
    """Implements :class:`ordertrail.intake.polling.Asker`. One thread at a time."""

    def __init__(self, credential: str, secret: str | Token | None, *, timeout: float = TIMEOUT) -> None:
        self._credential, self._secret = credential, secret
        self._client = httpx.Client(
            timeout=timeout, follow_redirects=False, headers={"Accept": "application/json"}
        )
        self._token: str | None = None

    def ask(self, address: str) -> Page:
        """See the port."""
        try:
            return self._asked(address)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise UnavailableError(
                f"it did not answer: {type(error).__name__}"
            ) from None  # a text may name secrets

    def _asked(self, address: str) -> Page:
        with self._client.stream("GET", address, headers=self._headers()) as response:
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                self._token = None  # made anew when it is asked again
            if response.status_code not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
                raise UnavailableError(_refused(response))
            body = b""
            for piece in response.iter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise UnavailableError(f"it answered with more than {LARGEST:,} bytes")
            return Page(body, response.links.get("next", {}).get("url"))

    def _headers(self) -> dict[str, str]:
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
                return {"Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}
        return {self._credential: said}

    def _fetched(self, said: Token) -> str:
        form = {"grant_type": "client_credentials" if said.refresh is None else "refresh_token"}
        if said.refresh is not None:
            form["refresh_token"] = said.refresh
        if said.scope is not None:
            form["scope"] = said.scope
        answer = self._client.post(said.url, data=form, auth=said.client)
        if answer.status_code != HTTPStatus.OK:
            raise UnavailableError(f"it makes no token for us: {answer.status_code}")
        token = answer.json().get("access_token")
        if not isinstance(token, str) or not token:
            raise UnavailableError("it makes no token for us: its answer has none")
        return token


def _refused(response: httpx.Response) -> str:
    """Say what an answer was that is none; of its text nothing is told, for nobody knows what stands there."""
    try:
        phrase = HTTPStatus(response.status_code).phrase
    except ValueError:
        phrase = "no status of HTTP"
    wait = response.headers.get("retry-after", "")
    later = f"; it says to come again in {wait} s" if wait.isdecimal() else ""
    return f"it answered {response.status_code} ({phrase}){later}"
