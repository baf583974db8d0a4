"""Refusals of who may not: problems (RFC 9457) for programs, the page to sign in for people with a browser."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from ordertrail.web.problems import problem

SIGN_IN: Final = "/sign-in"
HOME: Final = "/"
_LONGEST: Final = 2_000
_FETCHED: Final = "document"


class AccessRefusedError(HTTPException):
    """Somebody is not known (401), may not (403), is to sign in first (303), or a store does not answer (503)."""


def not_known(request: HTTPConnection, detail: str = "sign in, or send an API key") -> AccessRefusedError:
    """Return the refusal of somebody who is not known: people are sent to sign in, and come back here."""
    if request.scope.get("method") in {"GET", "HEAD"} and wants_page(request):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target = f"{SIGN_IN}?next={quote(safe_target(here), safe='/')}"
        return AccessRefusedError(
            HTTPStatus.SEE_OTHER, detail, {"Location": target, "Cache-Control": "no-store"}
        )
    return AccessRefusedError(
        HTTPStatus.UNAUTHORIZED,
        detail,
        {"WWW-Authenticate": 'Bearer realm="ordertrail"', "Cache-Control": "no-store"},
    )


def may_not(detail: str) -> AccessRefusedError:
    """Return the refusal of somebody who is known, and may not."""
    return AccessRefusedError(HTTPStatus.FORBIDDEN, detail, {"Cache-Control": "no-store"})


def not_now() -> AccessRefusedError:
    """Return the refusal where it cannot be found out, or put on record, who asks."""
    return AccessRefusedError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "it cannot be put on record now who asks; try again",
        {"Retry-After": "5"},
    )


def wants_page(request: HTTPConnection) -> bool:
    """Say whether a person with a browser asks, rather than a program or a page's own script."""
    if request.headers.get("sec-fetch-dest", _FETCHED) != _FETCHED:
        return False
    return "text/html" in request.headers.get("accept", "").lower() and "authorization" not in request.headers


def safe_target(target: str | None) -> str:
    """Return a target that lies on this host, for any text: itself, or the first page.

    Browsers take two slashes, of either kind, and what has control characters for other hosts, whatever parsers say.
    """
    text = target or ""
    sound = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= _LONGEST
    if not sound or "\\" in text or not text.isprintable() or not text.isascii():
        return HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or parts.path.startswith("//"):
        return HOME
    return (
        HOME
        if parts.path in {SIGN_IN, "/sign-out"} or parts.path.startswith((f"{SIGN_IN}/", "/oidc/"))
        else text
    )


async def refuse(_request: Request, error: Exception) -> Response:
    """Answer a refusal."""
    assert isinstance(error, AccessRefusedError)  # noqa: S101 - what it is registered for
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.SEE_OTHER:
        return RedirectResponse(headers.pop("Location"), HTTPStatus.SEE_OTHER, headers)
    return problem(HTTPStatus(error.status_code), str(error.detail), headers)


def install(app: FastAPI) -> None:
    """Have an application answer refusals so. Without it they have the same status and headers, and a plainer body."""
    app.add_exception_handler(AccessRefusedError, refuse)
