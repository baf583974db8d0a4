"""Keeping other sites' forms out (cross-site request forgery).

Three walls, each of which would do: cookies are SameSite=Lax; the browser says from where a request comes
(``Sec-Fetch-Site``, ``Origin``), and only this site will do; and every request that changes something carries a token
that no other site can know: HMAC-SHA256 of the cookie's own token (OWASP's HMAC-based token), as the header
``X-CSRF-Token`` or the field ``csrf_token`` of a form. It is new whenever the session's token is. A request with an API
key needs none: no browser sends one by itself.
"""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request

from ordertrail.access.rules import Rules
from ordertrail.access.secrets import derived, same
from ordertrail.web.auth.cookies import browser_token, session_token
from ordertrail.web.auth.refusing import AccessRefusedError, may_not

HEADER: Final = "X-CSRF-Token"
FIELD: Final = "csrf_token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

LARGEST_FORM: Final = 64 * 1024
"""Bytes of a form that is looked through for the token; what is larger brings it as a header."""

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 200
_DIGITS: Final = re.compile(r"\d{1,9}")
_PURPOSE: Final = "csrf"


def rules_of(request: HTTPConnection) -> Rules:
    """Return the house's rules of access."""
    rules: Rules = request.app.state.services.access.rules
    return rules


def token(request: HTTPConnection) -> str:
    """Return the token of the session, or of the browser that is about to sign in; empty where it has neither."""
    rules = rules_of(request)
    own = session_token(request, rules) or browser_token(request, rules)
    return "" if own is None else token_of(own)


def token_of(own: str) -> str:
    """Return the token that belongs to a cookie's."""
    return derived(own, _PURPOSE)


def check_site(request: HTTPConnection) -> None:
    """Raise AccessRefusedError for a request that a browser says comes from another site."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise may_not("this request comes from another site")
    origin = request.headers.get("origin")
    if origin is not None and not _is_ours(origin, request):
        raise may_not("this request comes from another site")


async def check(request: Request, own: str) -> None:
    """Raise AccessRefusedError for a request that changes something and was not made by a page of ours."""
    check_site(request)
    said = request.headers.get(HEADER) or (await form(request)).get(FIELD, "")
    if not said or not same(said, token_of(own)):
        raise may_not("the page is too old, or not ours; load it again and send it once more")


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a small form, each once, the first of its name."""
    return {name: values[0] for name, values in (await fields(request)).items()}


async def fields(request: Request) -> dict[str, list[str]]:
    """Return the fields of a small form with all their values; empty where there is none.

    The body stays to be read by whoever comes after.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    length = request.headers.get("content-length", "")
    if not _DIGITS.fullmatch(length) or int(length) > LARGEST_FORM:
        return {}
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise AccessRefusedError(HTTPStatus.BAD_REQUEST, "the form cannot be read") from None


def _is_ours(origin: str, request: HTTPConnection) -> bool:
    """Say whether an origin is this house's: the configured one, or the host that was asked."""
    known = rules_of(request).origin
    if known is not None:
        return origin == known
    try:
        return urlsplit(origin).netloc == request.headers.get("host", "") and origin != "null"
    except ValueError:
        return False
